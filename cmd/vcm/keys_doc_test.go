package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// Every command in docs/keys.md is run, in its order, by one shell. What holds at the end is in the script below.
const afterCeremony = `
exec sh -eu ceremony.sh
stdout 'Published\.'
exec vcm keys list --dir server2 --json
cp stdout state.json
field state.json roles 0 name = root
field state.json roles 0 version = 4
field state.json roles 0 threshold = 2
field state.json roles 2 name = maps-releases
field state.json roles 4 name = notes-releases
field state.json roles 6 name = snapshot
field state.json pending = []
exec vcm keys renew --dir server2
exists alice/trust/root.json
exec sh -c '! ls publisher/keys/online/timestamp-*'
exec sh -c 'for id in server/keys/online/*.key; do test ! -e server2/keys/online/$(basename $id); done'
`

func TestEveryCommandOfTheKeysPage(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("the page is written for a shell, and there is none")
	}
	commands := shellBlocks(t, filepath.Join("..", "..", "docs", "keys.md"))
	dir := t.TempDir()
	script := afterCeremony + "-- ceremony.sh --\n" + commands
	if err := os.WriteFile(filepath.Join(dir, "ceremony.txtar"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: dir, Cmds: map[string]func(*testscript.TestScript, bool, []string){"field": field}, RequireExplicitExec: true})
}

// shellBlocks returns what stands between ```sh and ```, each block preceded by a line that says where it is from.
func shellBlocks(t *testing.T, page string) string {
	t.Helper()
	f, err := os.Open(page)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b strings.Builder
	inside, blocks := false, 0
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		switch line := lines.Text(); {
		case line == "```sh":
			inside, blocks = true, blocks+1
			fmt.Fprintf(&b, "echo '--- %s:%d' >&2\n", filepath.Base(page), n)
		case line == "```":
			inside = false
		case inside:
			b.WriteString(line + "\n")
		}
	}
	if err := lines.Err(); err != nil || blocks < 10 {
		t.Fatalf("%d blocks of commands, %v", blocks, err)
	}
	return b.String()
}
