"""What the manual's commands are given: a data set in each layout that `penumbra data import` reads, small, drawn by `penumbra data synth`."""

import csv
import struct
import zlib

import h5py

# The classes of penumbra data synth are those of FERPlus, in its order.
VOTES = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"]
USAGES = {"train": ("Training", "FER2013Train"), "val": ("PublicTest", "FER2013Valid"), "test": ("PrivateTest", "FER2013Test")}


def png(pixels):
    """A grey image [S, S] as PNG, without compression."""
    side = len(pixels)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def write_table(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def faces_of(store):
    """(split, number, label, pixels [S, S]) of each face."""
    with h5py.File(store) as file:
        for split in ("train", "val", "test"):
            rows = file[f"original/{split}"]
            for number, (label, pixels) in enumerate(zip(rows["labels"][:], rows["images"][:])):
                yield split, number, int(label), pixels[..., 0]


def write_all(folder, store):
    """faces/, photographs/, ferplus/, fer2013.csv, rafdb/ and affectnet/, of the faces of a synthetic store."""
    ferplus = [["Usage", "Image name", *VOTES]]
    fer2013 = [["emotion", "pixels", "Usage"]]
    rafdb, affectnet = [], {name: [["subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "facial_landmarks",
                                    "expression", "valence", "arousal"]] for name in ("training", "validation")}
    for split, number, label, pixels in faces_of(store):
        image, side = png(pixels), len(pixels)
        usage, images = USAGES[split]
        name = f"{split}{number:04}"
        put(folder / f"faces/{split}/{VOTES[label]}/{name}.png", image)
        put(folder / f"ferplus/{images}/fer{name}.png", image)
        ferplus.append([usage, f"fer{name}.png", *(9 * (column == label) + (column == 8) for column in range(10))])
        fer2013.append([label % 7, " ".join(map(str, pixels.flatten())), usage])
        if split == "test" and number < 3:
            put(folder / f"photographs/{name}.png", png(pixels.repeat(4, 0).repeat(4, 1)))
        if split != "val":
            name = f"{split}_{number + 1:05}"
            rafdb.append(f"{name}.jpg {label % 7 + 1}\n")
            put(folder / f"rafdb/Image/aligned/{name}_aligned.jpg", image)
            put(folder / f"rafdb/Annotation/manual/{name}_manu_attri.txt", 5 * "24\t24\n" + f"{number % 2}\n{number % 3}\n{number % 5}\n")
        if split != "test":
            table = "training" if split == "train" else "validation"
            affectnet[table].append([f"{split}/{name}.jpg", 0, 0, side, side, "", label, 0, 0])
            put(folder / f"affectnet/Manually_Annotated_Images/{split}/{name}.jpg", image)
    write_table(folder / "ferplus/fer2013new.csv", ferplus)
    write_table(folder / "fer2013.csv", fer2013)
    put(folder / "rafdb/EmoLabel/list_patition_label.txt", "".join(rafdb))
    for name, rows in affectnet.items():
        write_table(folder / f"affectnet/{name}.csv", rows)
