"""Pictures of the desk for the README, from a demo that stays up: `python deploy/docs/desk_pictures.py URL`.

URL is what `loanctl demo --stay` prints for the desk. Debian's Chromium looks at it.
"""

import shutil
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

FOLDER: Final = Path(__file__).parents[2] / "docs" / "desk"
SIZE: Final = {"width": 1180, "height": 820}
APPLICANT: Final = {
    "person_age": "31",
    "person_income": "38500",
    "person_emp_length": "3",
    "loan_amnt": "9000",
    "cb_person_cred_hist_length": "6",
}
WAIT_MS: Final = 60_000


def application(page: Page, desk: str) -> None:
    """A decision, and what would change it."""
    page.goto(f"{desk}/apply")
    for name, value in APPLICANT.items():
        page.fill(f"#f-{name}", value)
    page.click("#application button")
    page.locator("#answer .verdict").first.wait_for()
    page.get_by_text("What would approve it").wait_for()


def live(page: Page, desk: str) -> None:
    """Decisions, drift and champions as they happen."""
    page.goto(f"{desk}/live")
    page.get_by_role("heading", name="Drift").wait_for()


def main(desk: str) -> None:
    """Takes each picture in the scheme that shows it best."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, scheme, look in (("apply", "light", application), ("live", "dark", live)):
            page = browser.new_page(color_scheme=scheme, locale="en-GB", viewport=SIZE)
            page.set_default_timeout(WAIT_MS)
            look(page, desk)
            page.screenshot(path=FOLDER / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
