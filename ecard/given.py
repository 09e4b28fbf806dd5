"""How a handler says that a parameter is injected by its name, as it is."""

from typing import TypeAlias, TypeVar

from litestar.di import NamedDependency
from litestar.params import SkipValidation

T = TypeVar("T")

Given: TypeAlias = NamedDependency[SkipValidation[T]]
"""`holder: Given[Holder]`: what `ecard.app` provides under the name "holder", without another check of its type."""
