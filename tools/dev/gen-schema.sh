#!/bin/sh
# Turn lib/store/schema/GROUP-NNNN-name.sql into rows of a C table: { "group", number, "text" },
set -eu
for file; do
	name=$(basename "$file" .sql)
	group=${name%%-*}
	rest=${name#*-}
	number=$(expr "${rest%%-*}" + 0)
	printf '{ "%s", %s,\n' "$group" "$number"
	sed -e '/^--/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' "$file"
	printf '},\n'
done
