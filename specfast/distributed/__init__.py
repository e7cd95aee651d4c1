"""Spaces that are split over processes."""

from .sharded_space import SpaceShard, shard

__all__ = ["SpaceShard", "shard"]
