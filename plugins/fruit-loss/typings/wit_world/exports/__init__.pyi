from typing import Protocol

from ..imports import after_sale_types, types


class Settings(Protocol):
    def prepare(self, settings: str) -> None: ...


class AfterSale(Protocol):
    def decide(self, ctx: types.Context, facts: after_sale_types.AfterSaleCase) -> after_sale_types.AfterSaleRuling: ...
