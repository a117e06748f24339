package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// deltaResult is what diff and patch say with --json.
type deltaResult struct {
	Codec      string           `json:"codec"` // "full": the new file itself, compressed
	Reason     string           `json:"reason,omitempty"`
	Old        int64            `json:"old_bytes"`
	New        int64            `json:"new_bytes"`
	Patch      int64            `json:"patch_bytes"`
	OldSHA256  release.Digest   `json:"old_sha256"`
	SHA256     release.Digest   `json:"new_sha256"`
	Candidates []deltaCandidate `json:"candidates,omitempty"`
	deltaCost
}

type deltaCandidate struct {
	Codec  string `json:"codec"`
	Bytes  int64  `json:"bytes"`
	Kept   bool   `json:"kept"`
	Reason string `json:"reason,omitempty"` // why it was not kept
	TookMS int64  `json:"took_ms"`
}

// deltaCost is what the whole process took.
type deltaCost struct {
	TookMS int64 `json:"took_ms"`
	CPUMS  int64 `json:"cpu_ms"`     // of all threads; 0: unknown
	Peak   int64 `json:"peak_bytes"` // of resident memory; 0: unknown
}

func costSince(began time.Time) deltaCost {
	u := resources()
	return deltaCost{TookMS: time.Since(began).Milliseconds(), CPUMS: u.cpu.Milliseconds(), Peak: u.peak}
}

// twoNames is what diff and patch take.
func twoNames(first, second string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 2 {
			return fmt.Errorf("give two names, %s and %s, and -o; there are %d", first, second, len(args))
		}
		return nil
	}
}

// interrupted is the error of a user who did not want to wait; nil while ctx lasts.
func interrupted(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted: %w", ctx.Err())
	}
	return nil
}

// portion is a patch's share of what it makes, for people.
func portion(patch, whole int64) string {
	if patch > 0 && patch < whole/1000 {
		return fmt.Sprintf("1/%d", whole/patch)
	}
	return share(patch, max(whole, 1))
}

// openSection opens a file for the rest of the process's life.
func openSection(name string) (*io.SectionReader, fs.FileMode, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", name)
	}
	if err == nil && info.Size() > release.MaxArtifact {
		err = fmt.Errorf("%s has %d bytes; at most %d are handled", name, info.Size(), int64(release.MaxArtifact))
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return io.NewSectionReader(f, 0, info.Size()), info.Mode().Perm(), nil
}

func digest(r *io.SectionReader) (release.Digest, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(r, 0, r.Size())); err != nil {
		return release.Digest{}, err
	}
	return release.Digest(sum.Sum(nil)), nil
}

// checkOutput refuses names that nobody means: no file's, or that of a file which is read and not to be replaced.
func checkOutput(out string, inputs ...string) error {
	if out == "" || out == "-" {
		return usageError{fmt.Errorf("-o %q: give the name of a file", out)}
	}
	there, _ := os.Stat(out)
	for _, name := range inputs {
		if in, _ := os.Stat(name); there != nil && in != nil && os.SameFile(there, in) {
			return usageError{fmt.Errorf("-o %s would replace what is read: give another name", out)}
		}
	}
	return nil
}

// writeOutput gives a file its name once it is complete. What is in the way of that shows before fill does its work.
func writeOutput(name string, mode fs.FileMode, fill func(io.Writer) error) error {
	if is, _ := folder(name); is {
		return fmt.Errorf("%s is a folder: give the name of a file with -o", name)
	}
	root, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer root.Close()
	f, err := durable.Create(root, filepath.Base(name), mode)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := fill(f); err != nil {
		return err
	}
	return f.Commit()
}
