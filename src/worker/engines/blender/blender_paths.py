"""Absolute paths of the machine that a .blend was made on, made to lead to the files as they lie here."""

import os

import bpy

MAX_ROUNDS = 200
# Collections of data that may lie in other files.
COLLECTIONS = ("images", "fonts", "sounds", "movieclips", "cache_files", "volumes")


def moved(path, folders):
    """Where the path leads to here; None when it is not one of the moved folders' or nothing is there."""
    if path.startswith("//"):  # relative, in Blender's words; a network path of Windows has backslashes
        return None
    targets = [target for target in (target_in(folder, path) for folder in folders) if target is not None]
    for target in targets:
        if os.path.exists(target):
            return target
    # Of a sequence or of tiles the path itself may name no file.
    for target in targets:
        if os.path.isdir(os.path.dirname(target)):
            return target
    return None


def target_in(folder, path):
    """The path inside a moved folder; None where it lies elsewhere, or leads out of it."""
    windows = is_windows(folder["from"])
    if windows != is_windows(path):
        return None
    start, plain = (text.replace("\\", "/") if windows else text for text in (folder["from"], path))
    start = start.rstrip("/") + "/"
    head = plain[: len(start)]
    if (head.casefold() != start.casefold()) if windows else (head != start):
        return None
    parts = [part for part in plain[len(start) :].split("/") if part not in ("", ".")]
    if ".." in parts:
        return None
    target = find(folder["to"], parts) if windows else os.path.join(folder["to"], *parts)
    root = os.path.realpath(folder["to"])
    inside = os.path.realpath(target).startswith(os.path.join(root, ""))
    return target if inside else None


def is_windows(path):
    return path[1:2] == ":" or path.startswith("\\\\")


def find(folder, parts):
    """Windows does not tell capitals from small letters; a name that is there as it is written goes first."""
    at = folder
    for part in parts:
        exact = os.path.join(at, part)
        at = exact if os.path.lexists(exact) else os.path.join(at, same_name(at, part))
    return at


def same_name(folder, name):
    try:
        names = os.listdir(folder)
    except OSError:  # not there: so is the file
        return name
    return next((each for each in sorted(names) if each.casefold() == name.casefold()), name)


def relink(folders):
    """Libraries first: what they bring may have such paths, too, and further libraries."""
    if not folders:
        return
    for _ in range(MAX_ROUNDS):
        libraries = [(library, moved(library.filepath, folders)) for library in bpy.data.libraries]
        libraries = [(library, path) for library, path in libraries if path not in (None, library.filepath)]
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
