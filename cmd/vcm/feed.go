package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

func (t *tool) feedCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "feed",
		Short: "Look at a feed as a client does",
		Long: `Look at a feed as a client does: over HTTP, trusting nothing but the trust root
that apps have built in.`,
		Example: `  vcm feed verify https://updates.example.org/feed/ --root trust/root.json
  vcm feed get https://updates.example.org/feed/ --root trust/root.json --app tesseract -o tesseract`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(t.feedVerifyCommand(), t.feedGetCommand())
	return cmd
}

func feedFlags(cmd *cobra.Command, root, app *string, otherwise string) {
	cmd.Flags().StringVar(root, "root", "", "the trust root that apps have built in, e.g. trust/root.json (required)")
	cmd.Flags().StringVar(app, "app", "", "name of the app (default: "+otherwise+")")
	_ = cmd.MarkFlagRequired("root")
}

type getFlags struct {
	root, app, version, channel, platform, output string
}

type getResult struct {
	App      string           `json:"app"`
	Version  release.Version  `json:"version"`
	Channel  release.Channel  `json:"channel"`
	Platform release.Platform `json:"platform"`
	SHA256   release.Digest   `json:"sha256"`
	Bytes    int64            `json:"bytes"`
	File     string           `json:"file"`
	TookMS   int64            `json:"took_ms"`
}

func (t *tool) feedGetCommand() *cobra.Command {
	var f getFlags
	cmd := &cobra.Command{
		Use:   "get URL --root FILE --app NAME -o FILE",
		Short: "Download a release as a client would, verified",
		Long: `Download a release from the feed at URL as a client would, and write its program
to a file. It is verified from the trust root down to its last byte before the
file gets its name. Without --version it is the one that a new installation on
the channel is offered; where a rollout is under way, that is a matter of chance.
An interrupted download goes on when the same command is run again.`,
		Example: `  vcm feed get https://updates.example.org/feed/ --root trust/root.json --app tesseract -o tesseract
  vcm feed get http://127.0.0.1:8460/feed/ --root root.json --app notes --version 1.4.0 --platform windows-amd64 -o notes.exe`,
		Args: cobra.ExactArgs(1),
		RunE: does(func(cmd *cobra.Command, args []string) error { return t.feedGet(cmd.Context(), args[0], f) }),
	}
	feedFlags(cmd, &f.root, &f.app, "the only one in the feed")
	flags := cmd.Flags()
	flags.StringVar(&f.version, "version", "", "version (default: the newest that is offered)")
	flags.StringVar(&f.channel, "channel", string(release.Stable), "stable, beta or nightly")
	flags.StringVar(&f.platform, "platform", release.Current().String(), "operating system and processor")
	flags.StringVarP(&f.output, "output", "o", "", "file to write (required)")
	_ = cmd.MarkFlagRequired("output")
	return cmd
}

// wanted reads the flags that choose a release.
func (f getFlags) wanted() (c release.Client, version release.Version, err error) {
	if c.Channel, err = release.ParseChannel(f.channel); err != nil {
		return c, version, usageError{err}
	}
	if c.Platform, err = release.ParsePlatform(f.platform); err != nil {
		return c, version, usageError{err}
	}
	if f.version != "" {
		if version, err = release.ParseVersion(f.version); err != nil {
			return c, version, usageError{err}
		}
	}
	return c, version, nil
}

func (t *tool) feedGet(ctx context.Context, url string, f getFlags) error {
	began := time.Now()
	who, version, err := f.wanted()
	if err != nil {
		return err
	}
	if info, err := os.Stat(f.output); err == nil && !info.Mode().IsRegular() {
		return usageError{fmt.Errorf("%s is no regular file; choose another name", f.output)}
	}
	bar := t.progress()
	defer bar.end()
	v, err := openFeed(url, f.root, t.log(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer v.close()
	bar.show("asking "+url, 0, 0)
	if f.app == "" {
		if f.app, err = v.onlyApp(ctx); err != nil {
			return err
		}
	}
	found, err := v.check(ctx, f.app)
	if err != nil {
		return err
	}
	who.ID = found.ID
	rel, err := choose(found.Catalogue, who, version)
	if err != nil {
		return fmt.Errorf("%s: %w", f.app, err)
	}
	if err := v.save(ctx, rel, f.output, bar); err != nil {
		if ctx.Err() != nil {
			return goOn(err)
		}
		return err
	}
	bar.end()
	res := getResult{rel.App, rel.Version, rel.Channel, rel.Platform, rel.SHA256, rel.Length, f.output, time.Since(began).Milliseconds()}
	return t.print(res, func(w io.Writer) {
		fmt.Fprintf(w, "Wrote %s: %s %s for %s on %s, %s, SHA-256 %s\n", res.File, res.App, res.Version, res.Platform, res.Channel, strings.TrimSpace(size(res.Bytes)), res.SHA256)
	})
}

// choose is what the client is offered, or the version that was asked for.
func choose(all release.Catalogue, who release.Client, version release.Version) (release.Release, error) {
	var have []string
	for _, r := range all.Releases {
		if r.Platform != who.Platform || !who.Channel.Accepts(r.Channel) {
			continue
		}
		if !version.IsZero() && r.Version.Compare(version) == 0 {
			return r, nil
		}
		have = append(have, r.Version.String())
	}
	if version.IsZero() {
		if r, ok := all.Offer(who); ok {
			return r, nil
		}
	}
	slices.Sort(have)
	what := "no release"
	if !version.IsZero() {
		what = "no version " + version.String()
	}
	if len(have) == 0 {
		return release.Release{}, fmt.Errorf("the feed has %s for %s on %s; look at --platform and --channel", what, who.Platform, who.Channel)
	}
	return release.Release{}, fmt.Errorf("%s is offered for %s on %s; the feed has %s: choose with --version", what, who.Platform, who.Channel, strings.Join(slices.Compact(have), ", "))
}

// save downloads a release's full artifact and unpacks it to a file, which gets
// its name once it is proven.
func (v *viewer) save(ctx context.Context, rel release.Release, output string, bar *bar) error {
	d, err := newDownloads(v.url, output+".download", v.log)
	if err != nil {
		return err
	}
	packed, err := d.get(ctx, rel.Full, rel.Segments, func(done int64) { bar.show("downloading "+rel.TargetPath(), done, rel.Full.Length) })
	if err != nil {
		return err
	}
	defer packed.Close()
	dir, err := os.OpenRoot(filepath.Dir(output))
	if err != nil {
		return err
	}
	defer dir.Close()
	out, err := durable.Create(dir, filepath.Base(output), 0o755)
	if err != nil {
		return err
	}
	defer out.Abort()
	bar.show("unpacking "+rel.TargetPath(), 0, 0)
	if err := unpack(ctx, packed, rel, out); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	d.drop(packed)
	return nil
}

// unpack makes a release's artifact out of its full artifact, and proves it.
func unpack(ctx context.Context, packed io.Reader, rel release.Release, out io.Writer) error {
	sum := sha256.New()
	if err := zstd.Decompress(ctx, packed, rel.Length, io.MultiWriter(out, sum)); err != nil {
		return fmt.Errorf("%s does not unpack: %w", rel.Full.Path, err)
	}
	if got := release.Digest(sum.Sum(nil)); got != rel.SHA256 {
		return fmt.Errorf("%s unpacks to SHA-256 %s, and %s is signed", rel.Full.Path, got, rel.SHA256)
	}
	return nil
}

// viewer sees a feed as a client does.
type viewer struct {
	url   string // ends in a slash
	root  []byte
	state string // folders of the clients, gone when the viewer is closed
	log   *slog.Logger
}

func openFeed(url, rootFile string, log *slog.Logger) (*viewer, error) {
	root, err := os.ReadFile(rootFile)
	if err != nil {
		return nil, fmt.Errorf("trust root: %w", err)
	}
	state, err := os.MkdirTemp("", "vcm-feed-")
	if err != nil {
		return nil, err
	}
	return &viewer{strings.TrimSuffix(url, "/") + "/", root, state, log}, nil
}

func (v *viewer) close() {
	if err := os.RemoveAll(v.state); err != nil {
		v.log.Warn("working copies are left", "folder", v.state, "err", err)
	}
}

// check asks for what the feed says of an app, as a new installation would.
func (v *viewer) check(ctx context.Context, app string) (feed.Result, error) {
	client, err := feed.New(feed.Options{URL: v.url, Root: v.root, Dir: filepath.Join(v.state, "state-"+app), App: app, Log: v.log})
	if err != nil {
		return feed.Result{}, usageError{err}
	}
	return client.Check(ctx)
}

func (v *viewer) onlyApp(ctx context.Context) (string, error) {
	inv, err := v.inventory(ctx)
	if err != nil {
		return "", err
	}
	if len(inv.Apps) != 1 {
		return "", usageError{errors.New("choose an app with --app: the feed has " + strings.Join(inv.Apps, ", "))}
	}
	return inv.Apps[0], nil
}
