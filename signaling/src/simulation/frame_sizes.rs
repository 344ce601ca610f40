//! Sizes of encoded frames, recorded from OpenH264 at the settings of this crate: the built-in scene, and a
//! person in front of a webcam (with sensor noise). A model interpolates between the recorded bitrates.

/// Recorded sizes at one bitrate.
struct Point {
    bitrate_bps: u32,
    keyframe_bytes: u32,
    mean_bytes: u32,
}

/// The sizes of one rendition.
pub(super) struct FrameSizes {
    points: [Point; 3],
    /// Sizes of successive frames between keyframes, in thousandths of their mean.
    pattern: &'static [u16],
}

impl FrameSizes {
    /// The size of a frame at a target of `bitrate_bps`. `number` counts frames.
    pub(super) fn bytes(&self, bitrate_bps: u32, keyframe: bool, number: usize) -> usize {
        let value = |point: &Point| match keyframe {
            true => point.keyframe_bytes,
            false => point.mean_bytes,
        };
        let [high, middle, low] = &self.points;
        let (upper, lower) = if bitrate_bps >= middle.bitrate_bps {
            (high, middle)
        } else {
            (middle, low)
        };
        let span = f64::from(upper.bitrate_bps - lower.bitrate_bps);
        let share = (f64::from(bitrate_bps) - f64::from(lower.bitrate_bps)) / span;
        let (from, to) = (f64::from(value(lower)), f64::from(value(upper)));
        let bytes = from + (to - from) * share.clamp(-0.5, 1.0);
        let shape = match keyframe {
            true => 1000,
            false => self.pattern[number % self.pattern.len()],
        };
        ((bytes * f64::from(shape) / 1000.0) as usize).max(24)
    }
}

/// A source: the sizes of 720p, 360p and 180p.
pub(super) struct Source {
    pub(super) name: &'static str,
    pub(super) renditions: [&'static FrameSizes; 3],
    /// The share of the recorded sizes that its frames have: the encoder may spend more than its target.
    pub(super) size_percent: usize,
}

static SCENE_720P: FrameSizes = FrameSizes {
    points: [
        Point {
            bitrate_bps: 1500000,
            keyframe_bytes: 23040,
            mean_bytes: 2719,
        },
        Point {
            bitrate_bps: 1000000,
            keyframe_bytes: 20354,
            mean_bytes: 2717,
        },
        Point {
            bitrate_bps: 750000,
            keyframe_bytes: 17887,
            mean_bytes: 2572,
        },
    ],
    pattern: &[
        928, 959, 1028, 1054, 1003, 1085, 1146, 1450, 1457, 1535, 1437, 1493, 1336, 1424, 936,
        1269, 1333, 978, 1058, 887, 1258, 720, 1227, 1102, 1028, 695, 1128, 847, 872, 566, 1000,
        691, 978, 918, 894, 984, 1028, 555, 679, 1039, 423, 1271, 938, 875, 676, 945, 1322, 1061,
        991, 980, 1047, 1348, 1039, 1339, 986, 994, 1020, 1188, 1186, 536, 1011, 961, 1094, 883,
        1024, 1125, 1046, 1169, 991, 1206, 1339, 748, 963, 1098, 927, 1197, 579, 1098, 525, 867,
        806, 645, 912, 906, 561, 828, 729, 875, 767, 949,
    ],
};

static SCENE_360P: FrameSizes = FrameSizes {
    points: [
        Point {
            bitrate_bps: 600000,
            keyframe_bytes: 10690,
            mean_bytes: 2384,
        },
        Point {
            bitrate_bps: 450000,
            keyframe_bytes: 10196,
            mean_bytes: 1779,
        },
        Point {
            bitrate_bps: 300000,
            keyframe_bytes: 8932,
            mean_bytes: 1169,
        },
    ],
    pattern: &[
        759, 894, 670, 697, 579, 813, 653, 851, 1168, 887, 824, 599, 611, 686, 623, 1107, 1226,
        1145, 1241, 1086, 961, 737, 904, 1104, 1173, 1039, 1489, 808, 1012, 556, 1219, 966, 1232,
        1045, 1275, 999, 1083, 552, 1391, 1365, 810, 1171, 1191, 986, 823, 999, 1173, 1137, 1229,
        1090, 1048, 1075, 616, 1247, 683, 1225, 1131, 1245, 1270, 342, 1587, 918, 714, 702, 1521,
        1272, 1103, 1231, 1189, 815, 645, 931, 1175, 1192, 1211, 1138, 823, 1232, 489, 1128, 1191,
        1294, 1159, 1069, 864, 1004, 1037, 1135, 1087, 622,
    ],
};

static SCENE_180P: FrameSizes = FrameSizes {
    points: [
        Point {
            bitrate_bps: 200000,
            keyframe_bytes: 6197,
            mean_bytes: 1530,
        },
        Point {
            bitrate_bps: 150000,
            keyframe_bytes: 4661,
            mean_bytes: 1161,
        },
        Point {
            bitrate_bps: 100000,
            keyframe_bytes: 4359,
            mean_bytes: 750,
        },
    ],
    pattern: &[
        938, 748, 757, 578, 689, 619, 747, 1124, 1111, 1163, 1171, 1057, 869, 971, 828, 1248, 1091,
        1116, 1067, 1263, 981, 888, 885, 1162, 1092, 1404, 1170, 945, 963, 912, 1054, 1218, 1386,
        1049, 1251, 1020, 893, 764, 928, 1156, 1123, 1144, 1070, 1222, 632, 658, 628, 705, 671,
        604, 596, 1114, 1262, 1103, 1066, 1019, 1039, 800, 788, 1175, 1192, 1241, 1045, 861, 1177,
        931, 885, 1249, 1071, 1055, 910, 1069, 1238, 887, 1210, 917, 1000, 1195, 1025, 1007, 1169,
        1171, 934, 1203, 1184, 1245, 1238, 668, 763, 562,
    ],
};

static WEBCAM_720P: FrameSizes = FrameSizes {
    points: [
        Point {
            bitrate_bps: 1500000,
            keyframe_bytes: 23509,
            mean_bytes: 5544,
        },
        Point {
            bitrate_bps: 1000000,
            keyframe_bytes: 17260,
            mean_bytes: 4002,
        },
        Point {
            bitrate_bps: 750000,
            keyframe_bytes: 13692,
            mean_bytes: 3017,
        },
    ],
    pattern: &[
        743, 691, 163, 922, 321, 953, 915, 1053, 1115, 1055, 973, 1055, 1016, 1062, 1017, 1067,
        3610, 276, 649, 737, 671, 664, 541, 1072, 1100, 1046, 1050, 1043, 1036, 1026, 1023, 1045,
        1052, 1069, 1033, 1059, 1062, 1057, 970, 1004, 1076, 975, 1065, 1051, 1095, 847, 957, 952,
        1055, 929, 893, 857, 1107, 900, 984, 1035, 1056, 1025, 1039, 1050, 1066, 1036, 1088, 1030,
        1049, 1034, 1073, 1020, 1064, 922, 1249, 1041, 1061, 1004, 1052, 1024, 1047, 735, 838,
        1075, 3989, 342, 609, 652, 633, 626, 641, 1101, 1112, 817,
    ],
};

static WEBCAM_360P: FrameSizes = FrameSizes {
    points: [
        Point {
            bitrate_bps: 600000,
            keyframe_bytes: 10607,
            mean_bytes: 1850,
        },
        Point {
            bitrate_bps: 450000,
            keyframe_bytes: 8473,
            mean_bytes: 1581,
        },
        Point {
            bitrate_bps: 300000,
            keyframe_bytes: 6600,
            mean_bytes: 1177,
        },
    ],
    pattern: &[
        956, 835, 314, 1031, 280, 760, 726, 945, 1327, 1270, 1330, 1282, 1280, 1207, 1271, 1419,
        4447, 235, 517, 863, 610, 704, 666, 957, 1427, 1308, 1273, 1258, 1236, 1238, 1171, 1285,
        1277, 586, 1278, 795, 1060, 693, 989, 678, 1044, 513, 803, 520, 779, 398, 489, 477, 701,
        487, 513, 546, 728, 442, 581, 656, 970, 902, 1369, 1227, 1500, 1339, 1595, 1233, 1301,
        1235, 1298, 802, 1256, 1160, 1118, 823, 1067, 338, 680, 804, 880, 353, 432, 1010, 4743,
        725, 427, 648, 933, 806, 808, 1496, 1354, 909,
    ],
};

static WEBCAM_180P: FrameSizes = FrameSizes {
    points: [
        Point {
            bitrate_bps: 200000,
            keyframe_bytes: 6178,
            mean_bytes: 1114,
        },
        Point {
            bitrate_bps: 150000,
            keyframe_bytes: 5021,
            mean_bytes: 964,
        },
        Point {
            bitrate_bps: 100000,
            keyframe_bytes: 3771,
            mean_bytes: 728,
        },
    ],
    pattern: &[
        1318, 1023, 891, 1010, 1092, 1132, 1075, 1559, 3196, 682, 1067, 1038, 1526, 1379, 1329,
        1316, 1027, 968, 638, 696, 570, 495, 444, 473, 452, 467, 482, 593, 667, 1189, 1283, 1477,
        1401, 1326, 1029, 910, 668, 860, 635, 801, 3720, 1147, 1008, 1336, 1030, 1003, 923, 1024,
        903, 952, 831, 1086, 893, 785, 1058, 655, 663, 966, 1112, 607, 771, 617, 1041, 1112, 866,
        910, 594, 1069, 1088, 868, 658, 745, 597, 912, 1376, 654, 578, 831, 866, 593, 954, 687,
        631, 969, 1158, 1112, 1940, 1760, 1089, 1069,
    ],
};

pub(super) static SCENE: Source = Source {
    name: "scene",
    renditions: [&SCENE_720P, &SCENE_360P, &SCENE_180P],
    size_percent: 100,
};
pub(super) static WEBCAM: Source = Source {
    name: "webcam",
    renditions: [&WEBCAM_720P, &WEBCAM_360P, &WEBCAM_180P],
    size_percent: 100,
};
/// Its encoder spends 4 % more than its target on 720p, where the webcam's spends 3 % less.
pub(super) static BUSY_WEBCAM: Source = Source {
    name: "busy",
    renditions: WEBCAM.renditions,
    size_percent: 107,
};
