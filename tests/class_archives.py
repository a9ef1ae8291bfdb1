"""Archives of the classes that broker and registry load: tests start them dozens of times."""

import subprocess
import tempfile
from pathlib import Path
from unittest.mock import patch

from loanctl.console import echo
from loanctl.stack.artifact_cache import FetchError
from loanctl.stack.local_stack import local_stack
from loanctl.stack.processes import Command
from loanctl.stack.services import stack_service

SERVICES = ("kafka", "registry")


def main() -> None:
    """Where there is no network, and a broker in a container perhaps, the tests do without."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            write_archives(Path(folder))
        except FetchError as fault:
            echo(f"not archived, so the stack starts more slowly: {fault}")


def write_archives(folder: Path) -> None:
    """Start a stack in this empty folder, record the classes that it loads, and archive them."""

    def recorder(name: str) -> tuple[str, ...]:
        return (f"-XX:DumpLoadedClassList={folder / name}.classes",)

    with patch.object(stack_service, "class_flags", recorder), local_stack(folder / "stack") as stack:
        services = [stack._service(name) for name in SERVICES]
    for service in services:
        stack_service.class_archive(service.name).unlink(missing_ok=True)
        write_archive(service.command(), folder / f"{service.name}.classes")


def write_archive(command: Command, classes: Path) -> None:
    """Archive these classes; what other processes find is whole or absent."""
    java, *options = command.argv
    archive = stack_service.class_archive(command.name)
    draft = archive.with_suffix(".draft")
    flags = ("-Xshare:dump", "-Xlog:disable", f"-XX:SharedClassListFile={classes}", f"-XX:SharedArchiveFile={draft}")
    subprocess.run((java, *flags, *options), env=command.environment, stdout=subprocess.DEVNULL, check=True)
    draft.rename(archive)


if __name__ == "__main__":
    main()
