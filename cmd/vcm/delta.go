package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

type deltaResult struct {
	Codec  string         `json:"codec"`
	Old    int64          `json:"old_bytes"`
	New    int64          `json:"new_bytes"`
	Patch  int64          `json:"patch_bytes"`
	SHA256 release.Digest `json:"new_sha256"`
	TookMS int64          `json:"took_ms"`
}

func (t *tool) diffCommand() *cobra.Command {
	var out, codec string
	cmd := &cobra.Command{
		Use:   "diff OLD NEW -o PATCH",
		Short: "Make a patch that turns one file into another",
		Long: `Make a patch that turns OLD into NEW. The patch is applied and compared before
it is written. With --codec auto every codec is tried and the smallest kept.`,
		Example: `  vcm diff tesseract-1.0.0 tesseract-1.1.0 -o update.patch
  vcm diff old new -o new.bsdiff --codec bsdiff --json`,
		Args: cobra.ExactArgs(2),
		RunE: does(func(cmd *cobra.Command, args []string) error {
			chosen, err := chooseCodecs(codec)
			if err != nil {
				return err
			}
			return t.diff(cmd.Context(), args[0], args[1], out, chosen)
		}),
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "file to write the patch to (required)")
	cmd.Flags().StringVar(&codec, "codec", "auto", "auto, "+codecNames())
	_ = cmd.MarkFlagRequired("output")
	return cmd
}

func (t *tool) patchCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "patch OLD PATCH -o NEW",
		Short: "Apply a patch to a file",
		Long: `Apply PATCH, as made by vcm diff or taken from a feed, to OLD. A patch carries no
signature: compare the SHA-256 that is printed with the one you expect.`,
		Example: `  vcm patch tesseract-1.0.0 update.patch -o tesseract-1.1.0`,
		Args:    cobra.ExactArgs(2),
		RunE: does(func(cmd *cobra.Command, args []string) error {
			return t.patch(cmd.Context(), args[0], args[1], out)
		}),
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "file to write the result to (required)")
	_ = cmd.MarkFlagRequired("output")
	return cmd
}

func codecNames() string {
	var names []string
	for _, c := range delta.Codecs() {
		names = append(names, c.Name())
	}
	return strings.Join(names, " or ")
}

func chooseCodecs(name string) ([]delta.Codec, error) {
	if name == "auto" {
		return delta.Codecs(), nil
	}
	if c, ok := delta.ByName(name); ok {
		return []delta.Codec{c}, nil
	}
	return nil, usageError{fmt.Errorf("codec %q: use auto, %s", name, codecNames())}
}

func (t *tool) diff(ctx context.Context, oldName, newName, out string, chosen []delta.Codec) error {
	began := time.Now()
	before, _, err := openSection(oldName)
	if err != nil {
		return err
	}
	after, _, err := openSection(newName)
	if err != nil {
		return err
	}
	res := deltaResult{Old: before.Size(), New: after.Size()}
	if res.SHA256, err = digest(after); err != nil {
		return err
	}
	bar := t.progress()
	var best []byte
	var failed []error
	for _, codec := range chosen {
		bar.show("making a "+codec.Name()+" patch", 0, 0)
		made, err := provenPatch(ctx, codec, before, after, res.SHA256)
		if ctx.Err() != nil {
			bar.end()
			return ctx.Err()
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if best == nil || len(made) < len(best) {
			best, res.Codec = made, codec.Name()
		}
	}
	bar.end()
	if best == nil {
		return errors.Join(failed...)
	}
	res.Patch = int64(len(best))
	if err := writeOutput(out, 0o644, func(w io.Writer) error { _, err := w.Write(best); return err }); err != nil {
		return err
	}
	res.TookMS = time.Since(began).Milliseconds()
	return t.print(res, func(w io.Writer) {
		fmt.Fprintf(w, "Wrote %s: %s patch of %s, %s of the new file\n",
			out, res.Codec, strings.TrimSpace(size(res.Patch)), share(res.Patch, max(res.New, 1)))
	})
}

// provenPatch makes a patch and makes sure that it gives the new file back.
func provenPatch(ctx context.Context, codec delta.Codec, before, after *io.SectionReader, want release.Digest) ([]byte, error) {
	var made bytes.Buffer
	if err := codec.Diff(ctx, before, after, &made); err != nil {
		return nil, err
	}
	sum := sha256.New()
	if err := codec.Apply(ctx, before, bytes.NewReader(made.Bytes()), after.Size(), sum); err != nil {
		return nil, err
	}
	if release.Digest(sum.Sum(nil)) != want {
		return nil, fmt.Errorf("the %s patch does not give the new file back", codec.Name())
	}
	return made.Bytes(), nil
}

func (t *tool) patch(ctx context.Context, oldName, patchName, out string) error {
	began := time.Now()
	before, mode, err := openSection(oldName)
	if err != nil {
		return err
	}
	patch, _, err := openSection(patchName)
	if err != nil {
		return err
	}
	name, length, err := sniff(patch)
	if err != nil {
		return fmt.Errorf("%s: %w", patchName, err)
	}
	codec, ok := delta.ByName(name)
	if !ok {
		return fmt.Errorf("%s: this vcm has no codec %s", patchName, name)
	}
	sum := sha256.New()
	err = writeOutput(out, mode, func(w io.Writer) error {
		return codec.Apply(ctx, before, patch, length, io.MultiWriter(w, sum))
	})
	if err != nil {
		return err
	}
	res := deltaResult{
		Codec: name, Old: before.Size(), New: length, Patch: patch.Size(),
		SHA256: release.Digest(sum.Sum(nil)), TookMS: time.Since(began).Milliseconds(),
	}
	return t.print(res, func(w io.Writer) {
		fmt.Fprintf(w, "Wrote %s: %s, SHA-256 %s\n", out, strings.TrimSpace(size(length)), res.SHA256)
	})
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

// writeOutput gives a file its name once it is complete.
func writeOutput(name string, mode fs.FileMode, fill func(io.Writer) error) error {
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
