//! The words of pairing codes: one for each byte.

/// Easy to say and to type, and different within their first four letters.
#[rustfmt::skip]
pub const WORDS: [&str; 256] = [
    "acorn", "adult", "agent", "alarm", "alley", "amber", "angle", "ankle", "apple", "apron",
    "arrow", "attic", "badge", "baker", "balcony", "bamboo", "banjo", "barley", "basket", "beach",
    "beaver", "berry", "bicycle", "biscuit", "blanket", "blossom", "bottle", "branch", "bread",
    "breeze", "brick", "bridge", "broom", "bucket", "budget", "butter", "cabin", "cable", "cactus",
    "camel", "candle", "canoe", "captain", "cargo", "carpet", "carrot", "castle", "cedar", "chalk",
    "cherry", "chimney", "cinema", "citrus", "clock", "clover", "coffee", "comet", "compass",
    "coral", "cotton", "cousin", "cradle", "crayon", "cricket", "crystal", "cupboard", "curtain",
    "cymbal", "daisy", "dancer", "delta", "desert", "diamond", "dinner", "doctor", "dolphin",
    "donkey", "dragon", "drawer", "drum", "eagle", "echo", "eclipse", "elbow", "elephant",
    "emerald", "engine", "envelope", "evening", "falcon", "farmer", "feather", "fennel", "ferry",
    "fiddle", "finger", "flame", "flute", "forest", "fountain", "freckle", "galaxy", "garden",
    "garlic", "gazelle", "ginger", "giraffe", "glacier", "globe", "goblet", "granite", "grape",
    "hammer", "harbour", "harvest", "hazel", "helmet", "heron", "hickory", "horizon", "hotel",
    "hunter", "iceberg", "indigo", "insect", "iris", "island", "ivory", "jacket", "jaguar", "jelly",
    "jersey", "jigsaw", "journal", "jungle", "kayak", "kettle", "keyboard", "kitchen", "kiwi",
    "koala", "ladder", "lagoon", "lantern", "laptop", "lavender", "lemon", "leopard", "letter",
    "lily", "lizard", "lobster", "lunar", "magnet", "mango", "maple", "marble", "market", "melon",
    "mirror", "mitten", "monkey", "mosaic", "mountain", "muffin", "museum", "mustard", "napkin",
    "nectar", "needle", "nickel", "noodle", "notebook", "nutmeg", "oasis", "ocean", "olive",
    "onion", "opera", "orange", "orbit", "orchid", "oyster", "paddle", "palace", "panda", "parade",
    "parsley", "pebble", "pelican", "pepper", "piano", "picnic", "pigeon", "pillow", "pilot",
    "planet", "plaza", "pocket", "poet", "popcorn", "potato", "prairie", "pumpkin", "puppet",
    "puzzle", "quartz", "quilt", "rabbit", "radish", "rainbow", "raven", "river", "robin", "rocket",
    "saffron", "salmon", "sandal", "satin", "saturn", "seagull", "shadow", "silver", "sketch",
    "sparrow", "spinach", "squirrel", "summer", "sunset", "swallow", "table", "teapot", "temple",
    "thunder", "ticket", "timber", "tower", "trumpet", "tulip", "tunnel", "turtle", "umbrella",
    "valley", "vanilla", "velvet", "village", "violin", "volcano", "wagon", "walnut", "walrus",
    "window", "winter", "yellow", "zebra", "zephyr",
];
