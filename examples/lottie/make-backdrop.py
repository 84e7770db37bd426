"""Makes backdrop.json, a gradient with a sun that drifts, 24 frames. Run from this folder: python3 make-backdrop.py"""

import json
import os

FRAMES = 24
WIDTH, HEIGHT = 320, 180


def keep(value):
    return {"a": 0, "k": value}


def move(first, last):
    ease = {"i": {"x": [0.5], "y": [1]}, "o": {"x": [0.5], "y": [0]}}
    return {"a": 1, "k": [{"t": 0, "s": first, **ease}, {"t": FRAMES - 1, "s": last}]}


def place():
    return {"ty": "tr", "p": keep([0, 0]), "a": keep([0, 0]), "s": keep([100, 100]), "r": keep(0), "o": keep(100)}


def layer(index, name, shapes, position):
    transform = {"o": keep(100), "r": keep(0), "a": keep([0, 0, 0]), "s": keep([100, 100, 100]), "p": position}
    group = {"ty": "gr", "nm": name, "it": [*shapes, place()]}
    return {"ty": 4, "ind": index, "nm": name, "ip": 0, "op": FRAMES, "st": 0, "ks": transform, "shapes": [group]}


sun = [
    {"ty": "el", "p": keep([0, 0]), "s": keep([70, 70])},
    {"ty": "fl", "c": keep([1, 0.78, 0.45, 1]), "o": keep(85)},
]
sky = [
    {"ty": "rc", "p": keep([0, 0]), "s": keep([WIDTH, HEIGHT]), "r": keep(0)},
    {
        "ty": "gf",
        "t": 1,
        "s": keep([0, -HEIGHT / 2]),
        "e": keep([0, HEIGHT / 2]),
        "o": keep(100),
        "g": {"p": 2, "k": move([0, 0.07, 0.09, 0.24, 1, 0.45, 0.25, 0.42], [0, 0.2, 0.16, 0.36, 1, 0.9, 0.45, 0.38])},
    },
]
document = {
    "v": "5.7.0",
    "nm": "Backdrop",
    "fr": 12,
    "ip": 0,
    "op": FRAMES,
    "w": WIDTH,
    "h": HEIGHT,
    "ddd": 0,
    "assets": [],
    "layers": [
        layer(1, "Sun", sun, move([70, 150, 0], [230, 60, 0])),
        layer(2, "Sky", sky, keep([WIDTH / 2, HEIGHT / 2, 0])),
    ],
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "backdrop.json"), "w", encoding="utf-8") as file:
    json.dump(document, file, indent=2)
    file.write("\n")
