package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

type rolloutFlags struct {
	dir, app, channel, passphraseFile string
}

func (t *tool) rolloutCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollout",
		Short: "Say which release clients of a channel run, and how many of them",
		Long: `Say which release clients of a channel run, and how many of them.

Without a rollout, a channel offers its newest release to everybody. With one,
a share of all clients is offered the target, the others the previous release;
who is in the share stays so while it grows. A rollout is signed by the online
key of <app>-rollout; the version floor by the offline key of <app>-releases.`,
		Example: `  vcm rollout set --dir ~/releases --target 1.2.0 --share 5%
  vcm rollout halt --dir ~/releases
  vcm rollout recall 1.2.0 --dir ~/releases
  vcm rollout show --dir ~/releases --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(t.rolloutSetCommand(), t.rolloutHaltCommand(true), t.rolloutHaltCommand(false),
		t.rolloutRecallCommand(), t.rolloutFloorCommand(), t.rolloutShowCommand())
	return cmd
}

func (f *rolloutFlags) add(cmd *cobra.Command) {
	dirFlag(cmd, &f.dir, "folder with the feed")
	cmd.Flags().StringVar(&f.app, "app", "", "name of the app (default: the only one in the feed)")
	passphraseFlag(cmd, &f.passphraseFile)
}

func (f *rolloutFlags) addChannel(cmd *cobra.Command) {
	f.add(cmd)
	cmd.Flags().StringVar(&f.channel, "channel", string(release.Stable), "stable, beta or nightly")
}

type rolloutShown struct {
	App      string            `json:"app"`
	Floor    release.Version   `json:"floor"` // empty: none
	Rollouts []rolloutDocument `json:"rollouts"`
}

type rolloutDocument struct {
	Channel  release.Channel   `json:"channel"`
	Target   release.Version   `json:"target"`
	Previous release.Version   `json:"previous"` // empty: nothing
	Salt     string            `json:"salt"`
	Share    float64           `json:"share_percent"`
	Halted   bool              `json:"halted"`
	Recalled []release.Version `json:"recalled"`
}

func (t *tool) rolloutShowCommand() *cobra.Command {
	var f rolloutFlags
	cmd := &cobra.Command{
		Use:     "show --dir DIR",
		Short:   "Show the rollouts of an app and its version floor",
		Long:    "Show the rollout of every channel that has one, and the version floor.",
		Example: "  vcm rollout show --dir ~/releases --json",
		Args:    cobra.NoArgs,
		RunE: does(func(*cobra.Command, []string) error {
			w, err := t.workshop(f.dir, "")
			if err != nil {
				return err
			}
			app, err := chooseApp(w.Repository, f.app)
			if err != nil {
				return err
			}
			return t.showRollouts(w, app)
		}),
	}
	f.add(cmd)
	return cmd
}

func (t *tool) showRollouts(w *workshop, app string) error {
	c, err := w.Catalogue(app)
	if err != nil {
		return err
	}
	slices.SortFunc(c.Rollouts, func(a, b release.Rollout) int { return strings.Compare(string(b.Channel), string(a.Channel)) })
	res := rolloutShown{App: app, Floor: c.Floor, Rollouts: []rolloutDocument{}}
	for _, r := range c.Rollouts {
		res.Rollouts = append(res.Rollouts, rolloutDocument{r.Channel, r.Target, r.Previous, r.Salt,
			float64(r.Share) * 100 / release.Shares, r.Halted, append([]release.Version{}, r.Recalled...)})
	}
	return t.print(res, func(out io.Writer) {
		for _, r := range c.Rollouts {
			fmt.Fprintln(out, repository.Describe(r))
		}
		if len(c.Rollouts) == 0 {
			fmt.Fprintln(out, "No rollout: every channel offers its newest release to everybody.")
		}
		if !c.Floor.IsZero() {
			fmt.Fprintf(out, "Version floor: %s\n", c.Floor)
		}
	})
}

func (t *tool) rolloutSetCommand() *cobra.Command {
	var f rolloutFlags
	var target, previous, share, salt string
	cmd := &cobra.Command{
		Use:   "set --dir DIR --target VERSION --share PERCENT",
		Short: "Offer a release to a share of a channel's clients",
		Long: `Offer a release to a share of a channel's clients, and the previous release to
the others. With a new target, the previous release is the one that everybody
had, or was offered, so far; a halt ends, and other clients come first. With the
same target, the share grows or shrinks around the same clients.`,
		Example: `  vcm rollout set --dir ~/releases --target 1.2.0 --share 5%
  vcm rollout set --dir ~/releases --target 1.2.0 --share 100
  vcm rollout set --dir ~/releases --channel beta --target 2.0.0-beta.3 --previous 1.2.0 --share 0.5%`,
		Args: cobra.NoArgs,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			parts, err := parseShare(share)
			if err != nil {
				return usageError{err}
			}
			var to, from release.Version
			if to, err = release.ParseVersion(target); err != nil {
				return usageError{err}
			}
			if err := from.UnmarshalText([]byte(previous)); err != nil {
				return usageError{err}
			}
			return t.changeRollout(cmd.Context(), f, func(c release.Catalogue, r *release.Rollout) error {
				*r = nextRollout(c, *r, to, parts)
				if !from.IsZero() {
					r.Previous = from
				}
				if salt != "" {
					r.Salt = salt
				}
				return nil
			})
		}),
	}
	f.addChannel(cmd)
	flags := cmd.Flags()
	flags.StringVar(&target, "target", "", "version for the clients in the share (required)")
	flags.StringVar(&share, "share", "", "share of all clients, in percent; steps of 0.01 (required)")
	flags.StringVar(&previous, "previous", "", "version for all others (default: the one before)")
	flags.StringVar(&salt, "salt", "", "decides which clients come first (default: drawn for each target)")
	_ = cmd.MarkFlagRequired("target")
	_ = cmd.MarkFlagRequired("share")
	return cmd
}

// nextRollout moves a rollout, which may not be there yet, to a target.
func nextRollout(c release.Catalogue, r release.Rollout, to release.Version, share int) release.Rollout {
	if r.Target != to {
		switch {
		case r.Target.IsZero():
			r.Previous = newestBelow(c, r.Channel, to)
		case r.Share == release.Shares && !r.Halted:
			r.Previous = r.Target
		}
		r.Target, r.Halted, r.Salt = to, false, rand.Text()
	}
	r.Share = share
	return r
}

// newestBelow is the newest version on a channel that is older than v; zero where there is none.
func newestBelow(c release.Catalogue, ch release.Channel, v release.Version) release.Version {
	var newest release.Version
	for _, rel := range c.Releases {
		if rel.Channel == ch && rel.Version.Compare(v) < 0 && rel.Version.Compare(newest) > 0 && rel.Version.Compare(c.Floor) >= 0 {
			newest = rel.Version
		}
	}
	return newest
}

// parseShare reads "5", "5%" or "0.25 %" as parts of release.Shares.
func parseShare(text string) (int, error) {
	number := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "%"))
	percent, err := strconv.ParseFloat(number, 64)
	parts := percent * release.Shares / 100
	if err != nil || !(parts >= 0 && parts <= release.Shares) || math.Abs(parts-math.Round(parts)) > 1e-6 {
		return 0, fmt.Errorf("share %q: use 0 to 100 percent, in steps of 0.01", text)
	}
	return int(math.Round(parts)), nil
}

func (t *tool) rolloutHaltCommand(halt bool) *cobra.Command {
	var f rolloutFlags
	cmd := &cobra.Command{
		Use:     "resume --dir DIR",
		Short:   "Go on with a rollout that was halted",
		Long:    "Go on with a channel's rollout that was halted: the same share of the same clients is offered the target again.",
		Example: "  vcm rollout resume --dir ~/releases --channel beta",
		Args:    cobra.NoArgs,
	}
	if halt {
		cmd.Use, cmd.Short = "halt --dir DIR", "Offer the target of a rollout to nobody any more"
		cmd.Long = `Offer the target of a channel's rollout to nobody any more. Clients that have it
keep it; to take it back from them, recall it.`
		cmd.Example = "  vcm rollout halt --dir ~/releases"
	}
	cmd.RunE = does(func(cmd *cobra.Command, _ []string) error {
		return t.changeRollout(cmd.Context(), f, func(_ release.Catalogue, r *release.Rollout) error {
			if r.Target.IsZero() {
				return fmt.Errorf("there is no rollout on %s; make one with vcm rollout set", r.Channel)
			}
			r.Halted = halt
			return nil
		})
	})
	f.addChannel(cmd)
	return cmd
}

func (t *tool) rolloutRecallCommand() *cobra.Command {
	var f rolloutFlags
	cmd := &cobra.Command{
		Use:   "recall VERSION --dir DIR",
		Short: "Take a version back from the clients that run it",
		Long: `Take VERSION back: clients of the channel that run it go to what they are offered
without it, also where that is older, but never below the version floor. Where
VERSION is the rollout's target, the rollout halts.`,
		Example: "  vcm rollout recall 1.2.0 --dir ~/releases",
		Args:    cobra.ExactArgs(1),
		RunE: does(func(cmd *cobra.Command, args []string) error {
			v, err := release.ParseVersion(args[0])
			if err != nil {
				return usageError{err}
			}
			return t.changeRollout(cmd.Context(), f, func(c release.Catalogue, r *release.Rollout) error {
				if r.Target.IsZero() {
					*r = nextRollout(c, *r, v, release.Shares)
				}
				if !slices.Contains(r.Recalled, v) {
					r.Recalled = append(r.Recalled, v)
				}
				r.Halted = r.Halted || r.Target == v
				return nil
			})
		}),
	}
	f.addChannel(cmd)
	return cmd
}

func (t *tool) rolloutFloorCommand() *cobra.Command {
	var f rolloutFlags
	var lower bool
	cmd := &cobra.Command{
		Use:   "floor VERSION --dir DIR",
		Short: "Set the oldest version that clients may ever be given",
		Long: `Set the oldest version that clients may ever be given. It is signed by the offline
release key, so that somebody who broke into the server cannot offer clients an
old version with a known hole.`,
		Example: "  vcm rollout floor 1.1.0 --dir ~/releases",
		Args:    cobra.ExactArgs(1),
		RunE: does(func(cmd *cobra.Command, args []string) error {
			v, err := release.ParseVersion(args[0])
			if err != nil {
				return usageError{err}
			}
			w, app, made, err := t.rolloutWorkshop(cmd.Context(), f)
			if err != nil {
				return err
			}
			c, err := w.Catalogue(app)
			if err != nil {
				return err
			}
			if v.Compare(c.Floor) < 0 && !lower {
				return fmt.Errorf("the floor is %s; say --lower if it is to go down", c.Floor)
			}
			return t.changed(w, made, w.SetFloor(cmd.Context(), app, v, w.store.Signers))
		}),
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&lower, "lower", false, "the new floor may be older than the present one")
	return cmd
}

// changeRollout changes the rollout of one channel, which is empty where there is none yet.
func (t *tool) changeRollout(ctx context.Context, f rolloutFlags, change func(c release.Catalogue, r *release.Rollout) error) error {
	channel, err := release.ParseChannel(f.channel)
	if err != nil {
		return usageError{err}
	}
	w, app, made, err := t.rolloutWorkshop(ctx, f)
	if err != nil {
		return err
	}
	c, err := w.Catalogue(app)
	if err != nil {
		return err
	}
	r := release.Rollout{Channel: channel}
	for _, there := range c.Rollouts {
		if there.Channel == channel {
			r = there
		}
	}
	if err := change(c, &r); err != nil {
		return err
	}
	return t.changed(w, made, w.SetRollout(ctx, app, r, w.store.Signers))
}

// rolloutWorkshop opens the feed, and brings one of an older version up to date where the keys for that are here.
func (t *tool) rolloutWorkshop(ctx context.Context, f rolloutFlags) (*workshop, string, []madeKey, error) {
	w, err := t.workshop(f.dir, f.passphraseFile)
	if err != nil {
		return nil, "", nil, err
	}
	app, err := chooseApp(w.Repository, f.app)
	if err != nil {
		return nil, "", nil, err
	}
	apps, err := w.Outdated()
	if err != nil || !slices.Contains(apps, app) {
		return w, app, nil, err
	}
	if _, err := w.store.Signers("targets"); err != nil {
		return nil, "", nil, fmt.Errorf("the feed was made before there were rollouts; run vcm keys upgrade first, where the targets key is: %w", err)
	}
	made, err := w.upgrade(ctx)
	return w, app, made, err
}
