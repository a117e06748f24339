package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm/publish"
	vcmsync "github.com/tesseract-desktop/tesseract/vcm/sync"
)

type publishFlags struct {
	dir, app, version, channel, platform, notes, notesFile, passphraseFile string
	critical                                                               bool
	deadline                                                               int // hours
	patches                                                                int
	to                                                                     destinationFlags
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
	Brought    []vcmsync.Result    `json:"brought,omitempty"` // one for each --to
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
		Use:   "publish [FILE] --dir DIR [--version VERSION] [--to DESTINATION]...",
		Short: "Sign a file as a release, and bring the feed to where it is served",
		Long: `Sign FILE as a release and put it into the feed in DIR, with patches from the
releases before it. Clients see all of it or nothing. Publishing the same file
as the same version again changes nothing, so an interrupted run can be
repeated; other bytes as the same version are refused.

With --to the feed is then brought to where clients read it; without FILE, it is
brought there as it is. A destination is one of

  a folder           that a web server, or a mounted disk, hands out
  s3://BUCKET/PREFIX on Amazon S3 or any store that speaks its protocol; key,
                     region and endpoint come from the usual AWS variables
  http(s)://VCM      the address of a vcm serve, which keeps the online keys: the
                     release key in DIR proves who publishes, no password does

What is there already is not sent again, files that clients already find are
never replaced by older ones, and the timestamp, which makes all of it visible,
comes last. It can be interrupted and repeated at any moment.`,
		Example: `  vcm publish build/bin/tesseract --dir ~/releases --version 1.1.0
  vcm publish app.exe --dir ~/releases --version 2.0.0-beta.1 --channel beta --platform windows-amd64 --notes "Faster."
  vcm publish app --dir ~/releases --version 1.2.0 --to /srv/www/feed --to s3://updates/tesseract
  vcm publish app --dir ~/releases --version 1.2.0 --to https://updates.example.org
  vcm publish --dir ~/releases --to s3://updates/tesseract --dry-run`,
		Args: cobra.MaximumNArgs(1),
		RunE: does(func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return t.bringOnly(cmd, f)
			}
			return t.publish(cmd.Context(), args[0], f)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&f.dir, "dir", "", "folder made by vcm init (required)")
	flags.StringVar(&f.version, "version", "", "version of the release, e.g. 1.4.0 or 2.0.0-beta.1 (required with FILE)")
	flags.StringVar(&f.channel, "channel", string(release.Stable), "stable, beta or nightly")
	flags.StringVar(&f.platform, "platform", release.Current().String(), "operating system and processor")
	flags.StringVar(&f.app, "app", "", "name of the app (default: the only one in the feed)")
	flags.StringVar(&f.notes, "notes", "", "release notes, Markdown")
	flags.StringVar(&f.notesFile, "notes-file", "", "file with the release notes")
	flags.BoolVar(&f.critical, "critical", false, "staying with the version before is dangerous: offered also to those who skipped it or put updates off")
	flags.IntVar(&f.deadline, "deadline", 0, "with --critical: hours it may lie ready before users see the notice of a restart; 0: 24")
	flags.IntVar(&f.patches, "patches", 3, "from how many older releases to make patches; 0: none")
	passphraseFlag(cmd, &f.passphraseFile)
	cmd.MarkFlagsMutuallyExclusive("notes", "notes-file")
	_ = cmd.MarkFlagRequired("dir")
	f.to.add(cmd)
	return cmd
}

// request checks the flags before anything is touched.
func (f publishFlags) request(file string) (publish.Request, error) {
	req := publish.Request{File: file, App: f.app, Notes: f.notes, Patches: f.patches, Critical: f.critical, Deadline: f.deadline}
	var err error
	if f.version == "" {
		return req, usageError{errors.New("--version is missing: FILE is published as one")}
	}
	if f.to.dryRun {
		return req, usageError{errors.New("--dry-run shows what would be brought to a destination; leave FILE out")}
	}
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
	if f.deadline < 0 || f.deadline > release.MaxDeadline || f.deadline > 0 && !f.critical {
		return req, usageError{fmt.Errorf("--deadline %d: must be 0 to %d hours, and goes with --critical only", f.deadline, release.MaxDeadline)}
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
	to, err := t.destinations(f)
	if err != nil {
		return err
	}
	log := t.log(slog.LevelWarn)
	store, err := t.keyStore(f.dir, f.passphraseFile)
	if err != nil {
		return err
	}
	bar := t.progress()
	defer bar.end()
	m, err := t.openMirror(ctx, f.dir, to.centre, bar, log)
	if err != nil {
		return err
	}
	defer m.close()
	if req.App, err = chooseApp(m.repo, f.app); err != nil {
		return err
	}
	// A missing or locked key must show before minutes of work, not after.
	if _, err := store.Signers(release.Role(req.App)); err != nil {
		return err
	}
	o := publish.Options{
		Feed: m.feed, Patch: smallestPatch(log), Compress: zstd.Compress, Decompress: zstd.Decompress,
		Releases: m.repo.Releases, Progress: bar.published, Log: log,
		Add: func(ctx context.Context, r release.Release) (bool, error) { return m.repo.Add(ctx, r, store.Signers) },
	}
	if to.centre != nil {
		o.Bring = m.bring
		o.Add = func(ctx context.Context, r release.Release) (bool, error) { return m.propose(ctx, r, store.Signers) }
	}
	res, err := publish.Publish(ctx, o, req)
	if ctx.Err() != nil {
		return goOn(err)
	}
	if err != nil {
		return err
	}
	var renewed []string
	if to.centre == nil { // which keeps the online keys
		if renewed, err = m.repo.Renew(ctx, store.Signers); err != nil {
			return fmt.Errorf("published, but %w", err)
		}
	}
	brought, err := m.bringTo(ctx, to, f.to)
	if err != nil {
		return fmt.Errorf("%s, but %w", achieved(to), err)
	}
	bar.end()
	return t.printPublished(res, renewed, brought, time.Since(began))
}

func achieved(to destinations) string {
	if to.centre != nil {
		return "the release is published"
	}
	return "the release is signed"
}

func goOn(err error) error {
	return fmt.Errorf("interrupted; run the same command again to go on: %w", err)
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

func (t *tool) printPublished(res publish.Result, renewed []string, brought []vcmsync.Result, took time.Duration) error {
	r := res.Release
	shown := publishResult{
		App: r.App, Version: r.Version, Channel: r.Channel, Platform: r.Platform, SHA256: r.SHA256, Bytes: r.Length,
		Full: publishedFile{r.Full.Path, r.Full.Length, r.Full.SHA256}, Patches: []publishedPatch{},
		Candidates: res.Candidates, Already: res.Already, Renewed: renewed, Brought: brought, TookMS: took.Milliseconds(),
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
		for _, b := range brought {
			showBrought(w, b)
		}
	})
}
