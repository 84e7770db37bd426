"""Makes chime.wav, two seconds of four notes that fade. Run from this folder: python3 make-chime.py"""

import math
import os
import struct
import wave

RATE = 16_000
SECONDS = 2
NOTES = [(0.0, 523.25), (0.25, 659.25), (0.5, 783.99), (0.75, 1046.5)]


def sample(at):
    rung = [(at - start, pitch) for start, pitch in NOTES if at >= start]
    value = sum(math.exp(-4 * since) * math.sin(math.tau * pitch * since) for since, pitch in rung)
    fade = min(1, (SECONDS - at) * 4)
    return int(32_767 * 0.25 * value * fade)


with wave.open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "chime.wav"), "wb") as sound:
    sound.setnchannels(1)
    sound.setsampwidth(2)
    sound.setframerate(RATE)
    samples = [sample(i / RATE) for i in range(RATE * SECONDS)]
    sound.writeframes(struct.pack(f"<{len(samples)}h", *samples))
