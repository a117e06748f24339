package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Calls of these packages put a name in place or write a file under its final name. Done by hand
// they forget the fsync of the file, or that of the folder, and a power cut leaves half a file.
var durableFunctions = map[string][]string{
	"os":                          {"Rename", "Link", "WriteFile", "Truncate"},
	"syscall":                     {"Rename", "Renameat", "Link", "Linkat", "Fsync", "Fdatasync", "MoveFileEx"},
	"golang.org/x/sys/unix":       {"Rename", "Renameat", "Renameat2", "Link", "Linkat", "Fsync", "Fdatasync"},
	"golang.org/x/sys/windows":    {"MoveFile", "MoveFileEx", "FlushFileBuffers"},
	"github.com/minio/selfupdate": {"Apply", "CommitBinary"},
}

// durableExceptions may do by hand what each line says, and no more.
var durableExceptions = map[string]string{
	"updater/fetch/sidecar.go":        "the map of an unfinished download may be lost: then the download starts again",
	"updater/fetch/part.go":           "what is downloaded is not trusted under either name: whoever has verified it makes it durable",
	"updater/install/swap_windows.go": "a running executable can not be replaced on Windows: selfupdate hides the old file",
}

func TestOnlyDurableMakesFilesDurable(t *testing.T) {
	err := walkSources(moduleRoot, ".go", func(name string) error {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "internal/durable/") || strings.HasPrefix(name, "e2e/") {
			return nil
		}
		if _, ok := durableExceptions[name]; ok {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, filepath.Join(moduleRoot, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, call := range durableCalls(set, file) {
			t.Errorf("%s: write, fsync, rename and fsync of the folder belong together, in internal/durable: use it instead", call)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// durableCalls returns "file:line calls name" for each call of the list, for each method call Sync()
// without arguments, which is how a file is flushed, and for the same calls on an os.Root.
func durableCalls(set *token.FileSet, file *ast.File) (found []string) {
	local := map[string]string{} // name in this file -> import path
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		name := imported[strings.LastIndex(imported, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		local[name] = imported
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		selector, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		name := selector.Sel.Name
		from := ""
		if ident, ok := selector.X.(*ast.Ident); ok {
			from = local[ident.Name]
		}
		flush := from == "" && name == "Sync" && len(call.Args) == 0
		inRoot := slices.Contains([]string{"Rename", "Link", "WriteFile"}, name) && isRoot(selector.X)
		if slices.Contains(durableFunctions[from], name) || flush || inRoot {
			found = append(found, fmt.Sprintf("%s calls %s", set.Position(call.Pos()), name))
		}
		return true
	})
	return found
}

// isRoot tells an os.Root by its name in the code, root, dir.root or f.Root(): reading types would
// need every system's C headers.
func isRoot(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return strings.EqualFold(x.Name, "root")
	case *ast.SelectorExpr:
		return strings.EqualFold(x.Sel.Name, "root")
	case *ast.CallExpr:
		return len(x.Args) == 0 && isRoot(x.Fun)
	}
	return false
}

func TestDurableCallsAreSeen(t *testing.T) {
	const source = `package p
import ("os"; sys "golang.org/x/sys/unix"; "example.org/durable")
func f(x *os.File) { os.Rename("a", "b"); sys.Fsync(1); x.Sync(); s.root.Rename("a", "b"); durable.Rename("a", "b"); os.Remove("a"); x.Name() }`
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if got := durableCalls(set, file); len(got) != 4 {
		t.Errorf("found %q, want the calls of Rename, Fsync, Sync and Rename in a root", got)
	}
}
