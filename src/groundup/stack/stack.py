"""The stack: one frozen value that holds every layer's own config."""

from __future__ import annotations

from dataclasses import dataclass, field

from groundup.apps.config import AppsConfig
from groundup.chips.config import ChipsConfig
from groundup.data.config import DataConfig
from groundup.fabs.config import FabsConfig
from groundup.frameworks.config import FrameworksConfig
from groundup.inference.config import InferenceConfig
from groundup.materials.config import MaterialsConfig
from groundup.middleware.config import GatesConfig, MiddlewareConfig
from groundup.models.config import ModelsConfig
from groundup.networks.config import NetworksConfig
from groundup.recipes.config import RecipesConfig
from groundup.sites.config import SitesConfig
from groundup.systems.config import SystemsConfig
from groundup.training.config import TrainingConfig


@dataclass(frozen=True)
class Stack:
    """A whole stack, from ore to answer; one field a layer, each the layer's own config."""

    name: str = "stack"
    """Name of the stack; runs of it are kept under `runs/<name>`."""

    description: str = ""
    """One sentence that says what it is for."""

    apps: AppsConfig = field(default_factory=AppsConfig)
    middleware: MiddlewareConfig = field(default_factory=MiddlewareConfig)
    gates: GatesConfig = field(default_factory=GatesConfig)
    inference: InferenceConfig = field(default_factory=InferenceConfig)
    recipes: RecipesConfig = field(default_factory=RecipesConfig)
    models: ModelsConfig = field(default_factory=ModelsConfig)
    data: DataConfig = field(default_factory=DataConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    frameworks: FrameworksConfig = field(default_factory=FrameworksConfig)
    systems: SystemsConfig = field(default_factory=SystemsConfig)
    sites: SitesConfig = field(default_factory=SitesConfig)
    networks: NetworksConfig = field(default_factory=NetworksConfig)
    chips: ChipsConfig = field(default_factory=ChipsConfig)
    fabs: FabsConfig = field(default_factory=FabsConfig)
    materials: MaterialsConfig = field(default_factory=MaterialsConfig)
    path: str = "(defaults)"
    """File that the stack was read from."""

    explicit: frozenset[str] = frozenset()
    """Keys (`table.key`) that the file or the command line set; the rest are defaults."""


LAYER_TABLES: dict[str, type] = {
    "apps": AppsConfig,
    "middleware": MiddlewareConfig,
    "gates": GatesConfig,
    "inference": InferenceConfig,
    "recipes": RecipesConfig,
    "models": ModelsConfig,
    "data": DataConfig,
    "training": TrainingConfig,
    "frameworks": FrameworksConfig,
    "systems": SystemsConfig,
    "sites": SitesConfig,
    "networks": NetworksConfig,
    "chips": ChipsConfig,
    "fabs": FabsConfig,
    "materials": MaterialsConfig,
}
"""The tables of a stack file, from the roof down."""
