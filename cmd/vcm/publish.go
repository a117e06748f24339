package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm/publish"
)

type publishFlags struct {
	dir, app, version, channel, platform, notes, notesFile, passphraseFile string
	patches                                                                int
}

type publishResult struct {
	App        string              `json:"app"`
	Version    release.Version     `json:"version"`
	Channel    release.Channel     `json:"channel"`
	Platform   release.Platform    `json:"platform"`
	SHA256     release.Digest      `json:"sha256"`
	Bytes      int64               `json:"bytes"` // of the artifact
	Full       publishedFile       `json:"full"`
	Patches    []publishedPatch    `json:"patches"`
	Candidates []publish.Candidate `json:"candidates"`
	Already    bool                `json:"already"` // it was published before
	Renewed    []string            `json:"renewed,omitempty"`
	TookMS     int64               `json:"took_ms"`
}

type publishedFile struct {
	Path   string         `json:"path"`
	Bytes  int64          `json:"bytes"`
	SHA256 release.Digest `json:"sha256"`
}

type publishedPatch struct {
	From  release.Digest `json:"from"`
	Codec string         `json:"codec"`
	publishedFile
}

func (t *tool) publishCommand() *cobra.Command {
	var f publishFlags
	cmd := &cobra.Command{
		Use:   "publish FILE --dir DIR --version VERSION",
		Short: "Sign a file as a release and put it into the feed",
		Long: `Sign FILE as a release and put it into the feed in DIR, with patches from the
releases before it. Clients see all of it or nothing. Publishing the same file
as the same version again changes nothing, so an interrupted run can be
repeated; other bytes as the same version are refused.`,
		Example: `  vcm publish build/bin/tesseract --dir ~/releases --version 1.1.0
  vcm publish app.exe --dir ~/releases --version 2.0.0-beta.1 --channel beta --platform windows-amd64 --notes "Faster."`,
		Args: cobra.ExactArgs(1),
		RunE: does(func(cmd *cobra.Command, args []string) error { return t.publish(cmd.Context(), args[0], f) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.dir, "dir", "", "folder made by vcm init (required)")
	flags.StringVar(&f.version, "version", "", "version of the release, e.g. 1.4.0 or 2.0.0-beta.1 (required)")
	flags.StringVar(&f.channel, "channel", string(release.Stable), "stable, beta or nightly")
	flags.StringVar(&f.platform, "platform", release.Current().String(), "operating system and processor")
	flags.StringVar(&f.app, "app", "", "name of the app (default: the only one in the feed)")
	flags.StringVar(&f.notes, "notes", "", "release notes, Markdown")
	flags.StringVar(&f.notesFile, "notes-file", "", "file with the release notes")
	flags.IntVar(&f.patches, "patches", 3, "from how many older releases to make patches; 0: none")
	passphraseFlag(cmd, &f.passphraseFile)
	cmd.MarkFlagsMutuallyExclusive("notes", "notes-file")
	_ = cmd.MarkFlagRequired("dir")
	_ = cmd.MarkFlagRequired("version")
	return cmd
}

// request checks the flags before anything is touched.
func (f publishFlags) request(file string) (publish.Request, error) {
	req := publish.Request{File: file, App: f.app, Notes: f.notes, Patches: f.patches}
	var err error
	if req.Version, err = release.ParseVersion(f.version); err != nil {
		return req, usageError{err}
	}
	if req.Channel, err = release.ParseChannel(f.channel); err != nil {
		return req, usageError{err}
	}
	if req.Platform, err = release.ParsePlatform(f.platform); err != nil {
		return req, usageError{err}
	}
	if f.patches < 0 || f.patches > release.MaxPatches/2 {
		return req, usageError{fmt.Errorf("--patches %d: must be 0 to %d", f.patches, release.MaxPatches/2)}
	}
	if f.notesFile != "" {
		notes, err := os.ReadFile(f.notesFile)
		if err != nil {
			return req, fmt.Errorf("notes: %w", err)
		}
		req.Notes = string(notes)
	}
	return req, nil
}

func (t *tool) publish(ctx context.Context, file string, f publishFlags) error {
	began := time.Now()
	req, err := f.request(file)
	if err != nil {
		return err
	}
	log := t.log(slog.LevelWarn)
	repo, err := openRepository(f.dir, log)
	if err != nil {
		return err
	}
	if req.App, err = chooseApp(repo, f.app); err != nil {
		return err
	}
	store, err := t.keyStore(f.dir, f.passphraseFile)
	if err != nil {
		return err
	}
	// A missing or locked key must show before minutes of work, not after.
	if _, err := store.Signers(release.Role(req.App)); err != nil {
		return err
	}
	feed, err := os.OpenRoot(filepath.Join(f.dir, feedDir))
	if err != nil {
		return err
	}
	defer feed.Close()
	bar := t.progress()
	res, err := publish.Publish(ctx, publish.Options{
		Feed: feed, Patch: smallestPatch(log), Compress: zstd.Compress, Decompress: zstd.Decompress,
		Releases: repo.Releases,
		Add: func(ctx context.Context, r release.Release) (bool, error) {
			return repo.Add(ctx, r, store.Signers)
		},
		Progress: bar.published, Log: log,
	}, req)
	bar.end()
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted; run the same command again to go on: %w", err)
	}
	if err != nil {
		return err
	}
	renewed, err := repo.Renew(ctx, store.Signers)
	if err != nil {
		return fmt.Errorf("published, but %w", err)
	}
	return t.printPublished(res, renewed, time.Since(began))
}

// smallestPatch is delta.Choose in publish's words.
func smallestPatch(log *slog.Logger) func(context.Context, publish.Pair) (publish.Made, error) {
	return func(ctx context.Context, p publish.Pair) (publish.Made, error) {
		choice, err := promptly(ctx, func() (delta.Choice, error) {
			return delta.Choose(ctx, p.Old, p.New, p.SHA256, delta.Options{
				Full: p.Full, Earlier: p.Earlier,
				Progress: func(s delta.Progress) { p.Progress(step(s), s.Done) },
			})
		})
		if err != nil {
			return publish.Made{}, err
		}
		made := publish.Made{Codec: choice.Codec, Patch: choice.Patch}
		if choice.Codec == delta.Full {
			made.Codec = ""
		}
		for _, c := range choice.Candidates {
			if c.Err != nil && !errors.Is(c.Err, delta.ErrUnsupported) {
				log.Warn("a codec failed", "codec", c.Codec, "err", c.Err)
			}
			made.Tried = append(made.Tried, publish.Candidate{Codec: c.Codec, Bytes: c.Bytes, Kept: c.Kept, Reason: c.Reason})
		}
		return made, nil
	}
}

func (t *tool) printPublished(res publish.Result, renewed []string, took time.Duration) error {
	r := res.Release
	shown := publishResult{
		App: r.App, Version: r.Version, Channel: r.Channel, Platform: r.Platform, SHA256: r.SHA256, Bytes: r.Length,
		Full: publishedFile{r.Full.Path, r.Full.Length, r.Full.SHA256}, Patches: []publishedPatch{},
		Candidates: res.Candidates, Already: res.Already, Renewed: renewed, TookMS: took.Milliseconds(),
	}
	if shown.Candidates == nil {
		shown.Candidates = []publish.Candidate{}
	}
	for _, p := range r.Patches {
		shown.Patches = append(shown.Patches, publishedPatch{p.From, p.Codec, publishedFile{p.Path, p.Length, p.SHA256}})
	}
	return t.print(shown, func(w io.Writer) {
		verb := "Published"
		if res.Already {
			verb = "Already published:"
		}
		fmt.Fprintf(w, "%s %s %s for %s on %s\n", verb, r.App, r.Version, r.Platform, r.Channel)
		fmt.Fprintf(w, "  artifact  %s  SHA-256 %s\n", size(r.Length), r.SHA256)
		fmt.Fprintf(w, "  full      %s  %s\n", size(r.Full.Length), share(r.Full.Length, r.Length))
		for _, c := range res.Candidates {
			switch {
			case c.Kept:
				fmt.Fprintf(w, "  patch     %s  %s  %s from %s\n", size(c.Bytes), share(c.Bytes, r.Length), c.Codec, c.From)
			case c.Bytes > 0:
				fmt.Fprintf(w, "  dropped   %s  %s from %s: %s\n", size(c.Bytes), c.Codec, c.From, c.Reason)
			case c.Codec != "":
				fmt.Fprintf(w, "  no %s patch from %s: %s\n", c.Codec, c.From, c.Reason)
			default:
				fmt.Fprintf(w, "  no patch from %s: %s\n", c.From, c.Reason)
			}
		}
		for _, role := range renewed {
			fmt.Fprintf(w, "  renewed   the signature of %s\n", role)
		}
	})
}
