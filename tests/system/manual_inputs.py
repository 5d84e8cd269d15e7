"""What the manual's commands and the recipes are given: a small data set in each layout that
`penumbra data import` reads, with the names of the download, drawn by `penumbra data synth`."""

import csv
import io
import struct
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from penumbra import run

# The classes of penumbra data synth are those of FERPlus, in its order.
EMOTIONS = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
VOTES = [*EMOTIONS, "unknown", "NF"]
USAGES = {"train": ("Training", "FER2013Train"), "val": ("PublicTest", "FER2013Valid"),
          "test": ("PrivateTest", "FER2013Test")}
# In the order of their labels: from 1 for RAF-DB, from 0 for AffectNet.
RAFDB = ["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"]
AFFECTNET = ["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"]
AFFECTNET_COLUMNS = ["subDirectory_filePath", "face_x", "face_y", "face_width", "face_height",
                     "facial_landmarks", "expression", "valence", "arousal"]


@dataclass
class Face:
    split: str
    number: int  # in its split, from 0
    emotion: str
    pixels: np.ndarray  # [S, S], or [S, S, 3]
    jpeg: bytes = b""


def png(pixels):
    """A grey image [S, S] or a colour image [S, S, 3] as PNG, without compression."""
    side = len(pixels)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind, data):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum
    colours = 0 if pixels.ndim == 2 else 2
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, colours, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows, 0))
    return b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b"")


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def write_table(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def faces_of(store):
    with h5py.File(store) as file:
        for split, rows in file["original"].items():
            for number, (label, pixels) in enumerate(zip(rows["labels"][:], rows["images"][:])):
                yield Face(split, number, EMOTIONS[label], pixels.squeeze())


def ended_well(*words):
    done = run(*words)
    assert done.returncode == 0, done.stderr
    return done


def draw(folder, sizes, *options):
    """Faces of penumbra data synth; `sizes`: how many to train on, to validate on, to test on."""
    store = folder / "drawn.h5"
    train, val, test = sizes
    ended_well("data", "synth", store, "--train", train, "--val", val, "--test", test, *options)
    return list(faces_of(store))


def colour_faces(sizes, side):
    """Faces in colour of side x side pixels. The importer makes the JPEG file of each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        faces = draw(folder, sizes, "--size", side, "--channels", 3, "--seed", 2)
        by_id = {f"train/{face.emotion}/{face.split}{face.number:05}.png": face
                 for face in faces}
        for path, face in by_id.items():
            put(folder / "tree" / path, png(face.pixels))
        store = folder / "jpeg.h5"
        ended_well("data", "import", "folder", folder / "tree", store, "--store", "jpeg")
        with h5py.File(store) as file:
            rows = file["original/train"]
            stored, ends = rows["jpeg"][:].tobytes(), [0, *map(int, rows["jpeg_ends"][:])]
            for row, path in enumerate(rows["ids"].asstr()[:]):
                by_id[path].jpeg = stored[ends[row]:ends[row + 1]]
    return faces


def write_ferplus(folder, faces):
    """fer2013new.csv and FER2013{Train,Valid,Test}/."""
    table = [["Usage", "Image name", *VOTES]]
    for face in faces:
        usage, images = USAGES[face.split]
        name = f"fer{face.split}{face.number:04}.png"
        put(folder / images / name, png(face.pixels))
        votes = {column: 0 for column in VOTES} | {face.emotion: 9, "unknown": 1}
        table.append([usage, name, *votes.values()])
    write_table(folder / "fer2013new.csv", table)


def write_fer2013(file, faces):
    table = [["emotion", "pixels", "Usage"]]
    for face in faces:
        pixels = " ".join(map(str, face.pixels.flatten()))
        table.append([EMOTIONS.index(face.emotion) % 7, pixels, USAGES[face.split][0]])
    write_table(file, table)


def write_rafdb(folder, faces):
    """The download's basic/: EmoLabel/, Image/aligned/ and Annotation/manual/. `faces` of 100x100
    pixels; the set has no validation split and no contempt."""
    labels = []
    for face in faces:
        if face.split == "val" or face.emotion not in RAFDB:
            continue
        digits = 5 if face.split == "train" else 4
        name = f"{face.split}_{face.number + 1:0{digits}}"
        labels.append(f"{name}.jpg {RAFDB.index(face.emotion) + 1}\n")
        put(folder / f"Image/aligned/{name}_aligned.jpg", face.jpeg)
        people = f"{face.number % 2}\n{face.number % 3}\n{face.number % 5}\n"
        put(folder / f"Annotation/manual/{name}_manu_attri.txt", 5 * "24\t24\n" + people)
    put(folder / "EmoLabel/list_patition_label.txt", "".join(labels))


def write_affectnet(folder, faces):
    """The edition of lists: {training,validation}.csv and Manually_Annotated_Images/. Each face has
    a box in a larger image. The lists also name images without a face, and without a box."""
    tables = {"train": [AFFECTNET_COLUMNS], "val": [AFFECTNET_COLUMNS]}
    for face in faces:
        if face.split == "test":
            continue
        side, name = len(face.pixels), f"{face.number % 7}/{face.split}{face.number:050x}.jpg"
        put(folder / f"Manually_Annotated_Images/{name}", face.jpeg)
        landmarks = ";".join(f"{x}.5;{side // 2}.25" for x in range(68))
        box = [side // 20, side // 20, side * 9 // 10, side * 9 // 10]
        label = AFFECTNET.index(face.emotion)
        tables[face.split].append([name, *box, landmarks, label, 0.25, -0.5])
    for label in (8, 9, 10):
        tables["train"].append([f"9/none{label}.jpg", *5 * ["NULL"], label, -2, -2])
    write_table(folder / "Manually_Annotated_file_lists/training.csv", tables["train"])
    write_table(folder / "Manually_Annotated_file_lists/validation.csv", tables["val"])


def write_affectnet_sets(folder, faces):
    """The edition of cropped faces: {train,val}_set/ with images/ID.jpg and annotations/ID_*.npy.
    `faces` of 224x224 pixels."""
    for face in faces:
        if face.split == "test":
            continue
        base = folder / f"{face.split}_set"
        put(base / f"images/{face.number}.jpg", face.jpeg)
        expression = str(AFFECTNET.index(face.emotion))
        values = {"exp": expression, "val": "0.25", "aro": "-0.5", "lnd": np.zeros(136)}
        for kind, value in values.items():
            file = io.BytesIO()
            np.save(file, np.array(value))
            put(base / f"annotations/{face.number}_{kind}.npy", file.getvalue())


def write_all(folder):
    """faces/, photographs/, ferplus/, fer2013.csv, rafdb/, affectnet/ and affectnet-sets/."""
    with tempfile.TemporaryDirectory() as name:
        grey = draw(Path(name), (128, 32, 32), "--seed", 1)
    for face in grey:
        name = f"{face.split}{face.number:04}.png"
        put(folder / f"faces/{face.split}/{face.emotion}/{name}", png(face.pixels))
        if face.split == "test" and face.number < 3:
            put(folder / f"photographs/{name}", png(face.pixels.repeat(4, 0).repeat(4, 1)))
    write_ferplus(folder / "ferplus", grey)
    write_fer2013(folder / "fer2013.csv", grey)
    write_rafdb(folder / "rafdb/basic", colour_faces((128, 0, 32), 100))
    cropped = colour_faces((64, 32, 0), 224)
    write_affectnet(folder / "affectnet", cropped)
    write_affectnet_sets(folder / "affectnet-sets", cropped)
