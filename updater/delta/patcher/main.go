// Command patcher applies a patch with the package delta and does nothing else: it is to vcm what bspatch is to bsdiff, and what make bench-delta
// holds against it. It costs what an app pays for an update; vcm patch does the same work, but is a command of 20 MB, whose start alone takes
// some 12 MiB and some milliseconds.
//
//	patcher OLD PATCH NEW
//
// It hashes the old file, applies, and prints both hashes as JSON. The patch may come from anywhere: what was made of it is right only if its
// hash is the expected one. It exits 1 when it failed, and leaves what it wrote so far.
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/tesseract-desktop/tesseract/updater/delta"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: patcher OLD PATCH NEW")
		os.Exit(2)
	}
	if err := apply(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "patcher:", err)
		os.Exit(1)
	}
}

func apply(oldName, patchName, newName string) (err error) {
	before, err := os.Open(oldName)
	if err != nil {
		return err
	}
	defer before.Close()
	patch, err := os.Open(patchName)
	if err != nil {
		return err
	}
	defer patch.Close()
	info, err := delta.Inspect(patch)
	if err != nil {
		return err
	}
	codec, ok := delta.ByName(info.Codec)
	if !ok {
		return delta.ErrUnknownPatch
	}
	old := sha256.New()
	length, err := io.Copy(old, before)
	if err != nil {
		return err
	}
	out, err := os.Create(newName)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, out.Close()) }()
	sum, err := delta.ApplySum(context.Background(), codec, io.NewSectionReader(before, 0, length), patch, info.Size, out)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]string{
		"old_sha256": hex.EncodeToString(old.Sum(nil)), "new_sha256": hex.EncodeToString(sum[:]),
	})
}
