"""Makes inter-semibold-latin.otf from Debian's fonts-inter. Needs fonttools; see README.md."""
import sys
from fontTools import subset
from fontTools.ttLib import TTFont

source, target = sys.argv[1:]
font = TTFont(source)

# The program shapes no text, so the digits of equal width (feature "tnum") become the digits.
tabular = {}
for record in font["GSUB"].table.FeatureList.FeatureRecord:
    if record.FeatureTag == "tnum":
        for index in record.Feature.LookupListIndex:
            for table in font["GSUB"].table.LookupList.Lookup[index].SubTable:
                tabular.update(getattr(table, "ExtSubTable", table).mapping)
for table in font["cmap"].tables:
    for code, glyph in table.cmap.items():
        if chr(code) in "0123456789":
            table.cmap[code] = tabular.get(glyph, glyph)

options = subset.Options(layout_features=[], name_IDs=[0, 1, 2, 13, 14], hinting=False)
options.drop_tables += ["GSUB", "GPOS", "GDEF"]
subsetter = subset.Subsetter(options)
signs = "€–—‘’“”•…←→↑↓−"
subsetter.populate(unicodes=[*range(0x20, 0x7F), *range(0xA0, 0x180), *map(ord, signs)])
subsetter.subset(font)
font.save(target)
