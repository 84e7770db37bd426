"""Renders one timeline of an exported project with the DaVinci Resolve that runs on this machine.

    python render.py PROJECT.drp FOLDER NAME [preset=…] [timeline=…] [markIn=…] [markOut=…] [width=…] [height=…]

Written from the README of Resolve's scripting API; not run with Resolve so far.
"""

import os
import sys
import time

SCRIPTING = {
    "linux": "/opt/resolve/Developer/Scripting",
    "darwin": "/Library/Application Support/Blackmagic Design/DaVinci Resolve/Developer/Scripting",
    "win32": os.path.join(
        os.environ.get("PROGRAMDATA", "C:\\ProgramData"),
        *("Blackmagic Design", "DaVinci Resolve", "Support", "Developer", "Scripting"),
    ),
}
POLL_SECONDS = 1


class Unreachable(Exception):
    pass


def say(text):
    print("farmhand: %s" % " ".join(str(text).split()), flush=True)


def connect():
    sys.path.append(os.path.join(os.environ.get("RESOLVE_SCRIPT_API", SCRIPTING[sys.platform]), "Modules"))
    try:
        import DaVinciResolveScript
    except ImportError as error:
        raise Unreachable("DaVinci Resolve's scripting module cannot be loaded: %s" % error)
    resolve = DaVinciResolveScript.scriptapp("Resolve")
    if resolve is None:
        raise Unreachable("DaVinci Resolve is not running, or its preferences do not let scripts of this machine in.")
    return resolve


def must(result, what):
    """Nearly every call of the API answers False or None when it fails, and says nothing else."""
    if not result:
        raise RuntimeError("Resolve refused to %s." % what)
    return result


def pick_timeline(project, name):
    timelines = [project.GetTimelineByIndex(i + 1) for i in range(int(project.GetTimelineCount()))]
    for timeline in timelines:
        if name is None or timeline.GetName() == name:
            return timeline
    names = ", ".join(timeline.GetName() for timeline in timelines) or "none"
    raise RuntimeError('The project has no timeline called "%s"; there are: %s.' % (name, names))


def render(project, folder, name, options):
    timeline = pick_timeline(project, options.get("timeline"))
    must(project.SetCurrentTimeline(timeline), "open the timeline")
    must(project.LoadRenderPreset(options["preset"]), 'load the render preset "%s"' % options["preset"])
    settings = {"TargetDir": folder, "CustomName": name, "SelectAllFrames": True}
    if "markIn" in options or "markOut" in options:
        first = timeline.GetStartFrame()
        settings["SelectAllFrames"] = False
        settings["MarkIn"] = first + int(options.get("markIn", 0))
        settings["MarkOut"] = first + int(options["markOut"]) if "markOut" in options else timeline.GetEndFrame()
    for key, setting in (("width", "FormatWidth"), ("height", "FormatHeight")):
        if key in options:
            settings[setting] = int(options[key])
    must(project.SetRenderSettings(settings), "take the render settings")
    job = must(project.AddRenderJob(), "queue the render")
    must(project.StartRendering(job), "start the render")
    try:
        while project.IsRenderingInProgress():
            say("%d%%" % int(project.GetRenderJobStatus(job).get("CompletionPercentage", 0)))
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        project.StopRendering()
        raise
    status = project.GetRenderJobStatus(job)
    if status.get("JobStatus") != "Complete":
        raise RuntimeError("%s: %s" % (status.get("JobStatus"), status.get("Error", "Resolve gives no reason")))


def main(scene, folder, name, *named):
    options = dict(option.split("=", 1) for option in named)
    projects = connect().GetProjectManager()
    # Projects of the same name are one project: this run gets its own.
    own = "farmhand-%d-%d" % (os.getpid(), int(time.time()))
    must(projects.ImportProject(scene, own), "import %s" % os.path.basename(scene))
    try:
        render(must(projects.LoadProject(own), "open the project"), folder, name, options)
    finally:
        project = projects.GetCurrentProject()
        if project is not None and project.GetName() == own:
            projects.CloseProject(project)
        projects.DeleteProject(own)
    say("rendered")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Unreachable as error:
        say("unreachable: %s" % error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        say("failed: %s" % error)
        sys.exit(1)
