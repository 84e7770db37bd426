"""A warm Blender session: JSON lines come on stdin, replies go to file descriptor 3.

Runs in `blender --python` and in a Python that has the `bpy` module. What Blender itself prints stays on stdout; a marker
line there tells the reader that everything printed for a frame has come.
"""

import ctypes
import json
import os
import sys
import time
import traceback

# The program may be installed where nothing is to be written, or in a checkout that is to stay clean.
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bpy  # noqa: E402

from blender_scene import RenderFailure, Scene, has_denoiser  # noqa: E402

REPLIES = os.fdopen(3, "w", encoding="utf-8")
C_LIBRARY = ctypes.CDLL(None)


def reply(**message):
    REPLIES.write(json.dumps(message) + "\n")
    REPLIES.flush()


def mark_end(frame_id):
    """Blender prints through C's buffer: empty it before the marker is written past it."""
    C_LIBRARY.fflush(None)
    print(f"farmhand: end of frame {frame_id}", flush=True)


def fail(frame_id, error):
    known = isinstance(error, RenderFailure)
    reply(
        type="fail",
        id=frame_id,
        **{"class": error.failure_class if known else "scene"},
        message=str(error).strip()[:4000] or type(error).__name__,
        usable=known and error.usable,
    )


@bpy.app.handlers.persistent
def print_statistics(statistics, *_):
    print(statistics, flush=True)


def load(request):
    start = time.monotonic()
    scene = Scene(request)
    handlers = bpy.app.handlers.render_stats
    if bpy.app.version >= (5, 0, 0) and print_statistics not in handlers:
        # It no longer prints how far it is by itself.
        handlers.append(print_statistics)
    reply(type="loaded", seconds=time.monotonic() - start, warnings=scene.warnings)
    return scene


def render(scene, request):
    start = time.monotonic()
    try:
        outputs = scene.render(request["frame"], request["outDir"])
    finally:
        mark_end(request["id"])
    reply(
        type="done",
        id=request["id"],
        seconds=time.monotonic() - start,
        outputs=outputs,
        warnings=scene.warnings,
    )


def main():
    features = ["oidn"] if has_denoiser() else []
    reply(type="ready", version=bpy.app.version_string, features=features)
    scene = None
    # Not `for line in sys.stdin`, which reads ahead.
    while line := sys.stdin.readline():
        request = json.loads(line)
        if request["type"] == "quit":
            break
        try:
            if request["type"] == "load":
                scene = load(request)
            elif request["type"] == "render" and scene is not None:
                render(scene, request)
        except KeyboardInterrupt:
            break
        except Exception as error:  # any failure of a scene is an answer, not the end of the session
            traceback.print_exc()
            fail(request.get("id"), error)


main()
