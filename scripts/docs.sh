#!/bin/sh
# docs.sh: builds the documentation in target/docs with mdBook. The pages that docs/SUMMARY.md names are copied into a
# folder with the layout of the repository, so that links between them are the same in the site and in the repository.
set -eu
cd "$(dirname "$0")/.."

version=0.5.4
tools=${XDG_CACHE_HOME:-$HOME/.cache}/carrier/mdbook-$version
mdbook=$tools/bin/mdbook
if [ ! -x "$mdbook" ]; then
    echo "Building mdBook $version into $tools, once: some minutes." >&2
    cargo install --quiet --locked mdbook --version "$version" --no-default-features --features search --root "$tools"
fi

target=${CARGO_TARGET_DIR:-target}
book=$target/docs-source
rm -rf "$book" "$target/docs"
mkdir -p "$book/src"
cp docs/book.toml docs/docs.css "$book"

# copy FILE: to the same place below src.
copy() {
    mkdir -p "$book/src/$(dirname "$1")"
    cp "$1" "$book/src/$1"
}

# The contents lie in docs/, and the site begins at the root of the repository.
sed -e 's#](\.\./#](@#' -e 's#](\([^@]\)#](docs/\1#' -e 's#](@#](#' docs/SUMMARY.md >"$book/src/SUMMARY.md"
sed -n 's/.*](\(.*\))$/\1/p' "$book/src/SUMMARY.md" | while read -r page; do
    copy "$page"
done
# What pages link to besides.
for file in carrier.example.toml docs/page.png web/pages/lang/en.json models/training/mix.py; do
    copy "$file"
done

"$mdbook" build "$book"
python3 scripts/check-site.py "$target/docs"
echo "The documentation is in $target/docs/index.html"
