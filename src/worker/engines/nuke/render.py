"""Renders one frame of one Write node, in Nuke's terminal mode.

    nuke -t render.py SCRIPT OUT FORMAT FRAME [write=NODE] [view=VIEW]

Written from Foundry's Python documentation; not run with Nuke so far. The last line says that the render came back
without an error: without it the frame does not count.
"""

import sys

import nuke

FILE_TYPES = {"jpg": "jpeg", "tif": "tiff"}


def find_write(name):
    if name is not None:
        node = nuke.toNode(name)
        if node is None or node.Class() != "Write":
            there = ", ".join(sorted(other.fullName() for other in all_writes())) or "none"
            raise RuntimeError('the script has no Write node called "%s"; there are: %s' % (name, there))
        return node
    on = [node for node in all_writes() if not node["disable"].value()]
    if len(on) != 1:
        names = ", ".join(sorted(node.fullName() for node in on)) or "none"
        raise RuntimeError("settings.write must name a Write node; these are on: %s" % names)
    return on[0]


def all_writes():
    return nuke.allNodes("Write", recurseGroups=True)


def main(scene, out, file_format, frame, *named):
    options = dict(option.split("=", 1) for option in named)
    nuke.scriptOpen(scene.replace("\\", "/"))
    node = find_write(options.get("write"))
    node["disable"].setValue(False)
    node["file"].setValue(out.replace("\\", "/"))
    file_type = FILE_TYPES.get(file_format, file_format)
    # Setting it puts the type's own options back to their defaults.
    if node["file_type"].value() != file_type:
        node["file_type"].setValue(file_type)
    views = [options["view"]] if "view" in options else [nuke.views()[0]]
    nuke.execute(node, int(frame), int(frame), 1, views)
    print("farmhand: rendered", flush=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:  # Nuke ends with 0 after an exception in a script.
        print("farmhand: failed: %s" % " ".join(str(error).split()), flush=True)
        sys.exit(1)
