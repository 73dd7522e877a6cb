"""How losses are paid: three whole numbers. `settings.schema.json` says the same to people and programs."""

import json

from componentize_py_types import Err
from wit_world.exports.settings import SettingsProblem

DEFAULTS = {"photo_hours": 48, "whole_from_bp": 7_000, "auto_fen_max": 20_000}
BOUNDS = {"photo_hours": (24, 168), "whole_from_bp": (5_000, 10_000), "auto_fen_max": (0, 100_000)}


def read(text: str) -> dict[str, int]:
    """Reads settings; an empty text means the defaults. Raises every problem with the place it stands at."""
    if not text.strip():
        return DEFAULTS
    try:
        given = json.loads(text)
    except ValueError:
        raise Err([SettingsProblem("", "not valid JSON")])
    if not isinstance(given, dict):
        raise Err([SettingsProblem("", "must be an object")])
    problems = []
    for name, value in given.items():
        path = "/" + name.replace("~", "~0").replace("/", "~1")
        if name not in BOUNDS:
            problems.append(SettingsProblem(path, "there is no such setting"))
        elif not isinstance(value, int) or isinstance(value, bool):
            problems.append(SettingsProblem(path, "must be an integer"))
        elif not BOUNDS[name][0] <= value <= BOUNDS[name][1]:
            problems.append(SettingsProblem(path, f"must be between {BOUNDS[name][0]} and {BOUNDS[name][1]}"))
    if problems:
        raise Err(problems)
    return {**DEFAULTS, **given}
