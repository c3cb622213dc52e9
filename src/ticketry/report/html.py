"""Templates to pages that need nothing beside themselves, all in one style."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup


def render(template: str, values: Mapping[str, object]) -> str:
    """The page that a template of this folder makes of some values; what is not Markup is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.globals["zip"] = zip
    here = files(__package__)
    style = Markup(here.joinpath("style.css").read_text())
    return environment.from_string(here.joinpath(template).read_text()).render({**values, "style": style})
