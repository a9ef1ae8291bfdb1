"""Events as frozen dataclasses, one module a subject."""
