"""One .blend, loaded and set up the way a job wants it; renders its frames."""

import glob
import os
import re

import bpy

from blender_paths import relink

FORMATS = {"png": "PNG", "jpg": "JPEG", "exr": "OPEN_EXR", "tif": "TIFF", "webp": "WEBP"}
RENDERERS = {
    "CYCLES": ("CYCLES",),
    "EEVEE": ("BLENDER_EEVEE_NEXT", "BLENDER_EEVEE"),
    "WORKBENCH": ("BLENDER_WORKBENCH",),
}
PASSES = {
    "Z": "use_pass_z",
    "Mist": "use_pass_mist",
    "Position": "use_pass_position",
    "Normal": "use_pass_normal",
    "Vector": "use_pass_vector",
    "UV": "use_pass_uv",
    "IndexOB": "use_pass_object_index",
    "IndexMA": "use_pass_material_index",
    "DiffDir": "use_pass_diffuse_direct",
    "DiffInd": "use_pass_diffuse_indirect",
    "DiffCol": "use_pass_diffuse_color",
    "GlossDir": "use_pass_glossy_direct",
    "GlossInd": "use_pass_glossy_indirect",
    "GlossCol": "use_pass_glossy_color",
    "TransDir": "use_pass_transmission_direct",
    "TransInd": "use_pass_transmission_indirect",
    "TransCol": "use_pass_transmission_color",
    "Emit": "use_pass_emit",
    "Env": "use_pass_environment",
    "AO": "use_pass_ambient_occlusion",
    "Shadow": "use_pass_shadow",
}


class RenderFailure(Exception):
    def __init__(self, failure_class, message, usable=True):
        super().__init__(message)
        self.failure_class = failure_class
        self.usable = usable


def has_denoiser():
    try:
        import _cycles
    except ImportError:  # a build without Cycles
        return False
    return bool(_cycles.with_openimagedenoise)


def choose(collection, name, what):
    item = collection.get(name)
    if item is None:
        names = ", ".join(sorted(each.name for each in collection)[:20]) or "none"
        raise RenderFailure("scene", f'The .blend has no {what} "{name}"; it has: {names}.')
    return item


class Scene:
    def __init__(self, request):
        self.settings = request["settings"]
        self.output = request["output"]
        self.warnings = []
        self.open(request["scenePath"])
        relink(request["paths"])
        if request.get("inPlace"):
            self.keep_files_away()
        self.check_scripts()
        self.check_files()
        name = self.settings.get("scene")
        self.scene = choose(bpy.data.scenes, name, "scene") if name else bpy.context.scene
        self.fill_data(request["data"])
        self.set_camera()
        self.set_renderer()
        self.set_size()
        self.set_denoising()
        self.set_passes()
        self.set_rest(request["threads"])

    def open(self, path):
        os.chdir(os.path.dirname(path))  # the session was started before anybody knew where its scene would be
        try:
            # Scripts inside the file are not run unless somebody said so: a job is data.
            bpy.ops.wm.open_mainfile(filepath=path, load_ui=False, use_scripts=self.trusts_scripts)
        except RuntimeError as error:
            raise RenderFailure("scene", str(error)) from error
        if tuple(bpy.data.version)[:2] > tuple(bpy.app.version)[:2]:
            made = ".".join(str(part) for part in bpy.data.version)
            self.warnings.append(
                f"The file was made with Blender {made}, which is newer than {bpy.app.version_string}; "
                "what this version does not know is lost."
            )

    def keep_files_away(self):
        """The scene lies where others work: what its File Output nodes write goes where it does no harm."""
        for scene in bpy.data.scenes:
            # Blender 5 keeps the nodes in a group of their own, and calls the folder otherwise.
            tree = getattr(scene, "compositing_node_group", None) or getattr(scene, "node_tree", None)
            for node in tree.nodes if tree else []:
                if node.type == "OUTPUT_FILE":
                    field = "directory" if hasattr(node, "directory") else "base_path"
                    setattr(node, field, bpy.app.tempdir)

    @property
    def trusts_scripts(self):
        return self.settings.get("trustScripts") is True

    def check_scripts(self):
        """Blender renders on without drivers and scripts that it did not run, and calls the wrong motion a success."""
        if not bpy.app.autoexec_fail:
            return
        blocked = f"Scripts in the file were not run: {bpy.app.autoexec_fail_message or 'blocked'}."
        if "trustScripts" not in self.settings:
            raise RenderFailure("untrusted-scripts", blocked)
        if blocked not in self.warnings:
            self.warnings.append(blocked)

    def check_files(self):
        """Blender renders pink, or nothing, where a file is missing, and calls that a success."""
        missing = []
        for path in bpy.utils.blend_paths(absolute=True, packed=False, local=False):
            if not path or path.endswith(os.sep):
                continue
            # Tiles of a UDIM texture are one path with a placeholder.
            found = glob.glob(glob.escape(path).replace("<UDIM>", "[0-9]" * 4)) if "<UDIM>" in path else os.path.exists(path)
            if not found:
                missing.append(path)
        if missing:
            base = os.path.dirname(bpy.data.filepath)
            names = sorted({os.path.relpath(path, base) for path in missing})
            raise RenderFailure("missing-asset", f"The .blend needs files that are not there: {', '.join(names[:20])}.")

    def fill_data(self, data):
        """Values of a template's parameters go to text objects, materials and properties of the scene, by name."""
        for name, value in data.items():
            target = bpy.data.objects.get(name)
            material = bpy.data.materials.get(name)
            if target is not None and target.type == "FONT":
                target.data.body = str(value)
            elif material is not None and isinstance(value, str) and re.fullmatch("#[0-9a-fA-F]{6}", value):
                self.set_colour(material, value)
            elif name in self.scene.keys() and isinstance(self.scene[name], (int, float, str)):
                self.scene[name] = type(self.scene[name])(value)
            else:
                raise RenderFailure(
                    "scene", f'The .blend has no text object, material or scene property "{name}" that takes this value.'
                )

    @staticmethod
    def set_colour(material, value):
        parts = [int(value[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        material.diffuse_color = (*linear, 1)
        for node in material.node_tree.nodes if material.node_tree else []:
            for socket in ("Base Color", "Color"):
                if socket in node.inputs and node.type.startswith(("BSDF", "EMISSION")):
                    node.inputs[socket].default_value = (*linear, 1)

    def set_camera(self):
        name = self.settings.get("camera")
        if name:
            camera = choose(bpy.data.objects, name, "object")
            if camera.type != "CAMERA":
                raise RenderFailure("scene", f'The object "{name}" is no camera.')
            self.scene.camera = camera

    def set_renderer(self):
        wanted = self.settings.get("renderer")
        if wanted:
            for identifier in RENDERERS[wanted]:
                try:
                    self.scene.render.engine = identifier
                    break
                except TypeError:  # the name of another version
                    continue
            else:
                raise RenderFailure("scene", f"This Blender has no renderer {wanted}.")
        samples = self.settings.get("samples")
        if samples:
            if self.scene.render.engine == "CYCLES":
                self.scene.cycles.samples = samples
            else:
                self.scene.eevee.taa_render_samples = samples

    def set_size(self):
        render = self.scene.render
        width, height = self.output.get("width"), self.output.get("height")
        if width or height:
            aspect = render.resolution_x / render.resolution_y
            render.resolution_x = width or max(1, round(height * aspect))
            render.resolution_y = height or max(1, round(width / aspect))
            render.resolution_percentage = 100
        if self.settings.get("resolutionPercent"):
            render.resolution_percentage = self.settings["resolutionPercent"]

    def set_denoising(self):
        if self.scene.render.engine != "CYCLES":
            return
        cycles = self.scene.cycles
        if "denoise" in self.settings:
            cycles.use_denoising = self.settings["denoise"]
        # A Blender without OpenImageDenoise fails a frame that is to be denoised by the renderer, and says so. In the
        # compositor it lets the noise through without a word.
        if not has_denoiser() and self.denoises_in_compositor():
            raise RenderFailure("scene", "Build without OpenImageDenoiser: the scene's Denoise node would change nothing.")

    def denoises_in_compositor(self):
        tree = getattr(self.scene, "node_tree", None) if self.scene.use_nodes else None
        return tree is not None and any(node.type == "DENOISE" and not node.mute for node in tree.nodes)

    def set_passes(self):
        for layer in self.scene.view_layers:
            for name in self.settings.get("passes", []):
                prop = PASSES.get(name)
                if prop is None:
                    raise RenderFailure("scene", f'There is no pass "{name}"; known are {", ".join(PASSES)}.')
                if not hasattr(layer, prop):
                    raise RenderFailure("scene", f'This Blender has no pass "{name}".')
                setattr(layer, prop, True)

    def set_rest(self, threads):
        render = self.scene.render
        render.threads_mode = "FIXED"
        render.threads = threads
        render.use_file_extension = False
        render.use_overwrite = True
        render.use_placeholder = False
        if render.use_multiview:
            render.use_multiview = False
            self.warnings.append("Rendered for one eye only.")
        self.layers = [
            choose(self.scene.view_layers, name, "view layer").name for name in self.settings.get("viewLayers", [])
        ]

    def set_format(self, name):
        image = self.scene.render.image_settings
        if hasattr(image, "media_type"):  # since Blender 5
            image.media_type = "MULTI_LAYER_IMAGE" if name == "OPEN_EXR_MULTILAYER" else "IMAGE"
        same = image.file_format == name
        image.file_format = name
        if name == "OPEN_EXR_MULTILAYER":
            return
        if name == "JPEG":
            image.color_mode = "RGB"
        elif not same:
            image.color_mode = "RGBA" if self.scene.render.film_transparent else "RGB"
            if name in ("PNG", "TIFF"):
                image.color_depth = "8"

    def render(self, frame, folder):
        """Renders the frame; the outputs, the main one first, as name and path."""
        if not self.layers:
            return self.render_pictures(frame, folder, "main")
        used = {layer.name: layer.use for layer in self.scene.view_layers}
        try:
            outputs = []
            for at, name in enumerate(self.layers):
                for layer in self.scene.view_layers:
                    layer.use = layer.name == name
                outputs += self.render_pictures(frame, folder, "main" if at == 0 else output_name(name))
            return outputs
        finally:
            for layer in self.scene.view_layers:
                layer.use = used[layer.name]

    def render_pictures(self, frame, folder, name):
        extension = self.output["format"]
        path = os.path.join(folder, f"{name}.{extension}")
        if not self.settings.get("passes"):
            self.render_to(frame, path, FORMATS[extension])
            return [{"name": name, "path": path}]
        # All passes come in one file of many layers; the picture itself is then saved from the same render.
        passes = "passes" if name == "main" else f"{name}-passes"[:64]
        passes_path = os.path.join(folder, f"{passes}.exr")
        self.render_to(frame, passes_path, "OPEN_EXR_MULTILAYER")
        self.set_format(FORMATS[extension])
        bpy.data.images["Render Result"].save_render(path + ".part", scene=self.scene)
        finish(path)
        return [{"name": name, "path": path}, {"name": passes, "path": passes_path}]

    def render_to(self, frame, path, file_format):
        self.set_format(file_format)
        self.scene.frame_set(frame)
        self.scene.render.filepath = path + ".part"
        try:
            bpy.ops.render.render(write_still=True, scene=self.scene.name)
        except RuntimeError as error:
            raise RenderFailure("scene", str(error)) from error
        self.check_scripts()  # what belongs to another scene is worked out only now
        finish(path)


def finish(path):
    """Blender says nothing of a picture that it could not write."""
    part = path + ".part"
    if not os.path.isfile(part) or os.path.getsize(part) == 0:
        raise RenderFailure("bad-output", f"Blender rendered and left no file {os.path.basename(path)}.")
    os.rename(part, path)


def output_name(layer):
    """The name of a view layer as an id: letters, digits, `_` and `-`."""
    plain = re.sub("[^A-Za-z0-9_-]+", "-", layer).strip("-")[:48]
    return plain if re.match("[A-Za-z0-9]", plain) else f"layer-{plain}".strip("-")
