"""Absolute paths of the machine that a .blend was made on, made to lead to the files as they lie here."""

import os

import bpy

MAX_ROUNDS = 200
# Collections of data that may lie in other files.
COLLECTIONS = ("images", "fonts", "sounds", "movieclips", "cache_files", "volumes")


def moved(path, folders):
    """Where the path leads to here; None when it is not one of the moved folders' or nothing is there."""
    plain = path.replace("\\", "/")
    if plain.startswith("//"):
        return None
    for folder in folders:
        start = folder["from"].replace("\\", "/").rstrip("/") + "/"
        if not plain.startswith(start):
            continue
        target = os.path.join(folder["to"], *plain[len(start) :].split("/"))
        # Of a sequence or of tiles the path itself may name no file.
        if os.path.exists(target) or os.path.isdir(os.path.dirname(target)):
            return target
    return None


def relink(folders):
    """Libraries first: what they bring may have such paths, too, and further libraries."""
    if not folders:
        return
    for _ in range(MAX_ROUNDS):
        libraries = [(library, moved(library.filepath, folders)) for library in bpy.data.libraries]
        libraries = [(library, path) for library, path in libraries if path is not None]
        if not libraries:
            break
        library, path = libraries[0]
        library.filepath = path
        library.reload()
    for name in COLLECTIONS:
        for item in getattr(bpy.data, name, ()):
            set_path(item, "filepath", folders)
    for item in bpy.data.objects:
        for modifier in item.modifiers:
            relink_modifier(modifier, folders)
        for system in item.particle_systems:
            set_path(system.point_cache, "filepath", folders)


def relink_modifier(modifier, folders):
    for field in ("filepath", "cache_directory"):
        set_path(modifier, field, folders)
    domain = getattr(modifier, "domain_settings", None)
    if domain is not None:
        set_path(domain, "cache_directory", folders)
    cache = getattr(modifier, "point_cache", None)
    if cache is not None:
        set_path(cache, "filepath", folders)


def set_path(item, field, folders):
    path = getattr(item, field, None)
    target = moved(path, folders) if isinstance(path, str) and path else None
    if target is not None:
        setattr(item, field, target)
