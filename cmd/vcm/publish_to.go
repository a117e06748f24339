package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tesseract-desktop/tesseract/updater/release"
	vcmsync "github.com/tesseract-desktop/tesseract/vcm/sync"
)

type destinationFlags struct {
	to               []string
	endpoint, region string
	dryRun           bool
	parallel         int
}

func (f *destinationFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.to, "to", nil, "where to bring the feed: a folder, s3://bucket/prefix or http(s)://vcm; repeatable")
	flags.BoolVar(&f.dryRun, "dry-run", false, "without FILE: say what would be brought, and change nothing")
	flags.StringVar(&f.endpoint, "s3-endpoint", "", "URL of the S3 service (default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or Amazon's)")
	flags.StringVar(&f.region, "s3-region", "", "region of the bucket (default: AWS_REGION or AWS_DEFAULT_REGION)")
	flags.IntVar(&f.parallel, "parallel", 8, "files to bring at once")
}

// destinations are where a feed goes. Places get it as it is in the folder; a
// VCM makes the metadata itself, so there can be only one.
type destinations struct {
	centre *vcmsync.Centre // nil: none
	places []func(feed *os.Root) (vcmsync.Place, error)
}

// destinations reads --to before anything is touched.
func (t *tool) destinations(f publishFlags) (destinations, error) {
	var all destinations
	if f.to.parallel < 1 || f.to.parallel > 64 {
		return all, usageError{fmt.Errorf("--parallel %d: must be 1 to 64", f.to.parallel)}
	}
	for _, to := range f.to.to {
		scheme, _, isURL := strings.Cut(to, "://")
		switch {
		case to == "":
			return all, usageError{errors.New("--to is empty: give a folder, s3://bucket/prefix or http(s)://vcm")}
		case !isURL:
			all.places = append(all.places, func(feed *os.Root) (vcmsync.Place, error) { return vcmsync.NewDir(to, feed) })
		case scheme == "s3":
			o, err := vcmsync.S3FromEnvironment(to, f.to.endpoint, f.to.region, t.getenv)
			if err != nil {
				return all, usageError{fmt.Errorf("--to: %w", err)}
			}
			bucket, err := vcmsync.NewS3(o)
			if err != nil {
				return all, usageError{fmt.Errorf("--to %s: %w", to, err)}
			}
			all.places = append(all.places, func(*os.Root) (vcmsync.Place, error) { return bucket, nil })
		case scheme == "http" || scheme == "https":
			if all.centre != nil {
				return all, usageError{errors.New("--to: a feed has one VCM, which signs its timestamp; give one")}
			}
			centre, err := vcmsync.NewCentre(to, nil)
			if err != nil {
				return all, usageError{fmt.Errorf("--to: %w", err)}
			}
			all.centre = centre
		default:
			return all, usageError{fmt.Errorf("--to %s: give a folder, s3://bucket/prefix or http(s)://vcm", to)}
		}
	}
	return all, nil
}

type broughtResult struct {
	Brought []vcmsync.Result `json:"brought"`
}

// bringOnly brings the feed to its destinations as it is.
func (t *tool) bringOnly(cmd *cobra.Command, f publishFlags) error {
	for _, flag := range []string{"version", "notes", "notes-file"} {
		if cmd.Flags().Changed(flag) {
			return usageError{fmt.Errorf("--%s is for publishing a file; give FILE", flag)}
		}
	}
	if len(f.to.to) == 0 {
		return usageError{errors.New("give FILE to publish it, or --to to bring the feed there as it is")}
	}
	to, err := t.destinations(f)
	if err != nil {
		return err
	}
	bar := t.progress()
	defer bar.end()
	m, err := t.openFolder(f.dir, to.centre, bar, t.log(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer m.close()
	brought, err := m.bringTo(cmd.Context(), to, f.to)
	if cmd.Context().Err() != nil {
		return goOn(err)
	}
	if err != nil {
		return err
	}
	bar.end()
	return t.print(broughtResult{brought}, func(w io.Writer) {
		for _, b := range brought {
			showBrought(w, b)
		}
	})
}

// bringTo brings the folder's feed to all destinations, the VCM first: what it
// signs is what the others get.
func (m *mirror) bringTo(ctx context.Context, to destinations, f destinationFlags) ([]vcmsync.Result, error) {
	var all []vcmsync.Result
	if to.centre != nil {
		res, err := m.push(ctx, f)
		if err != nil {
			return nil, err
		}
		all = append(all, res)
	}
	if len(to.places) > 0 {
		// Nobody's clients get what is not sound.
		if _, err := m.repo.Status(); err != nil {
			return nil, err
		}
	}
	for _, open := range to.places {
		place, err := open(m.feed)
		if err != nil {
			return nil, err
		}
		res, err := vcmsync.Bring(ctx, m.feed, place, m.options(f))
		if err != nil {
			return nil, err
		}
		all = append(all, res)
	}
	return all, nil
}

func (m *mirror) options(f destinationFlags) vcmsync.Options {
	return vcmsync.Options{Parallel: f.parallel, DryRun: f.dryRun, Progress: m.bar.brought, Log: m.log}
}

// push makes the VCM publish each app's releases as they are in the folder, and
// then takes over what the VCM made of it.
func (m *mirror) push(ctx context.Context, f destinationFlags) (vcmsync.Result, error) {
	inv, err := vcmsync.Read(ctx, vcmsync.Folder(m.feed))
	if err != nil {
		return vcmsync.Result{}, err
	}
	all := vcmsync.Result{Place: m.centre.String(), Sent: []string{}, DryRun: f.dryRun}
	for _, app := range inv.Apps {
		res, err := m.centre.Publish(ctx, app, inv.Document(release.Role(app)), m.feed, m.options(f))
		if err != nil {
			return all, err
		}
		all.Sent, all.SentBytes = append(all.Sent, res.Sent...), all.SentBytes+res.SentBytes
	}
	all.Timestamp, all.Before = inv.Version, inv.Version
	if f.dryRun {
		return all, nil
	}
	all.Timestamp, err = m.pull(ctx)
	return all, err
}

func showBrought(w io.Writer, r vcmsync.Result) {
	verb := "Brought"
	switch {
	case r.DryRun:
		verb = "Would bring"
	case len(r.Sent) == 0:
		fmt.Fprintf(w, "Up to date: %s, timestamp %d\n", r.Place, r.Timestamp)
		return
	}
	fmt.Fprintf(w, "%s %d files (%s) to %s, timestamp %d\n", verb, len(r.Sent), strings.TrimSpace(size(r.SentBytes)), r.Place, r.Timestamp)
	if r.DryRun {
		for _, name := range r.Sent {
			fmt.Fprintf(w, "  %s\n", name)
		}
	}
}

func (b *bar) brought(p vcmsync.Progress) {
	b.show(fmt.Sprintf("bringing file %d of %d, %s", min(p.Files+1, p.Total), p.Total, filepath.Base(p.Name)), p.Done, p.Bytes)
}
