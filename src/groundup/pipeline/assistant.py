"""The main job as data: the steps that turn documents into a served assistant, in order."""

from __future__ import annotations
