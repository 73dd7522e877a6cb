"""What the component exports: settings and the decision. The rule itself is in `rule.py`.

What runs at import is part of the component; what runs in a call costs fuel. So everything is imported here, at the top.
"""

import chosen
import rule
from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.types import ErrorCode, PolicyError

_chosen = None


class Settings(exports.Settings):
    def prepare(self, settings: str) -> None:
        global _chosen
        _chosen = chosen.read(settings)


class AfterSale(exports.AfterSale):
    def decide(self, ctx, facts):
        if _chosen is None:
            raise Err(PolicyError(ErrorCode.INTERNAL, "", "`prepare` was not called"))
        # An error of the contract's type; anything else that is raised would reach the host as a trap without a word.
        try:
            return rule.decide(_chosen, ctx, facts)
        except Exception as error:
            raise Err(PolicyError(ErrorCode.INTERNAL, "", repr(error)))
