"""What of this family is compared with torch's, and where it differs: see module_names.py."""

_SIZES = (2, 3, 5, 6)

SLOW = ("interpolate", "unfold")
MODULES = (
    "ChannelShuffle", "Fold", "PixelShuffle", "PixelUnshuffle", "Unfold", "Upsample", "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
)
FUNCTIONS = (
    "affine_grid", "channel_shuffle", "fold", "grid_sample", "interpolate", "native_channel_shuffle", "pixel_shuffle",
    "pixel_unshuffle", "unfold", "upsample", "upsample_bilinear", "upsample_nearest",
)
UNLISTED = ("affine_grid", "fold", "native_channel_shuffle", "upsample")  # test_upsampling.py

MORE_MODULES = {
    "ChannelShuffle": [((2,), {}, (2, 4, 3, 5)), ((3,), {}, (1, 9, 4)), ((4,), {}, (2, 4, 2, 3, 2))],
    "Fold": [
        (((4, 5), 2), {}, (2, 12, 12)), (((6, 5), (2, 3), (1, 2), 1, (2, 1)), {}, (2, 12, 12)),
        ((4, (3, 2)), {"padding": 1}, (12, 20)),
    ],
    "PixelShuffle": [((2,), {}, (2, 8, 3, 5)), ((3,), {}, (9, 2, 3)), ((1,), {}, (1, 2, 3, 4, 5))],
    "PixelUnshuffle": [((2,), {}, (2, 3, 4, 6)), ((3,), {}, (2, 3, 6)), ((2,), {}, (2, 3, 1, 2, 4))],
    "Unfold": [
        ((2,), {}, (2, 3, 4, 5)), (((2, 3), (2, 1), (1, 2), (1, 2)), {}, (2, 3, 5, 6)),
        ((3,), {"padding": 1}, (2, 4, 5)),
    ],
    "Upsample": [
        ((), {"scale_factor": 2}, _SIZES), ((), {"scale_factor": 2.0}, (2, 3, 5)), ((7,), {}, (1, 2, 3, 4, 5)),
        ((None, (1.5, 2.3)), {}, _SIZES), (((4, 9), None, "bilinear"), {}, _SIZES),
        ((None, 2, "bilinear", True), {}, _SIZES), ((None, 2, "bilinear"), {}, (1, 4, 9, 16)),
        ((None, 1.5, "bicubic", False, True), {}, _SIZES), ((None, 2.3, "bicubic"), {"align_corners": True}, _SIZES),
        ((None, 0.7, "linear"), {}, (2, 3, 8)), ((9,), {"mode": "linear", "align_corners": True}, (2, 3, 8)),
        ((None, (2.0, 1.3, 0.6)), {"mode": "trilinear"}, (1, 2, 3, 4, 5)), ((3,), {"mode": "nearest-exact"}, _SIZES),
        ((None, 3), {"mode": "area"}, _SIZES), (((3, 2),), {"mode": "area"}, _SIZES),
    ],
    "UpsamplingBilinear2d": [
        ((), {"scale_factor": 2}, _SIZES), (((7, 4),), {}, _SIZES), ((None, (1.5, 3.0)), {}, _SIZES),
    ],
    "UpsamplingNearest2d": [((), {"scale_factor": 3}, _SIZES), ((7,), {}, _SIZES), ((None, (1.5, 0.8)), {}, _SIZES)],
}
