package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm/keys"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

// changeResult is what came of a change: either clients see it, or it waits for signatures.
type changeResult struct {
	Published bool           `json:"published"`
	Keys      []madeKey      `json:"keys,omitempty"`
	Pending   *pendingResult `json:"pending,omitempty"`
}

type pendingResult struct {
	File  string            `json:"file"`
	Words []string          `json:"words"`
	Lacks []repository.Lack `json:"lacks"`
}

func pendingShown(file string, p *repository.Pending) pendingResult {
	return pendingResult{File: file, Words: p.Words(), Lacks: p.Lacks()}
}

// workshop is a folder with a feed, and the keys that are there.
type workshop struct {
	*repository.Repository
	store *keys.Store
	log   *slog.Logger
}

func (t *tool) workshop(dir, passphraseFile string) (*workshop, error) {
	log := t.log(slog.LevelWarn)
	repo, err := openRepository(dir, log)
	if err != nil {
		return nil, err
	}
	store, err := t.keyStore(dir, passphraseFile)
	if err != nil {
		return nil, err
	}
	return &workshop{repo, store, log}, nil
}

// changed prints what came of a change. That it waits for signatures is no failure.
func (t *tool) changed(w *workshop, made []madeKey, err error) error {
	res := changeResult{Published: err == nil, Keys: made}
	var waits *repository.PendingError
	if errors.As(err, &waits) {
		p, readErr := readPending(waits.File)
		if readErr != nil {
			return readErr
		}
		shown := pendingShown(waits.File, p)
		shown.Lacks = waits.Lacks
		res.Pending = &shown
	} else if err != nil {
		return err
	}
	if err := keepTrust(w.Repository, w.log); err != nil {
		return err
	}
	return t.print(res, func(out io.Writer) {
		for _, key := range made {
			fmt.Fprintf(out, "Made a key for %s: %s\n", key.Role, key.ID)
		}
		if res.Published {
			fmt.Fprintln(out, "Published.")
			return
		}
		printPending(out, *res.Pending)
	})
}

func printPending(w io.Writer, p pendingResult) {
	for _, line := range p.Words {
		fmt.Fprintln(w, line)
	}
	fmt.Fprintf(w, "Waits for signatures in %s\n", p.File)
	printLacks(w, p.Lacks)
}

func printLacks(w io.Writer, lacks []repository.Lack) {
	for _, l := range lacks {
		var ids []string
		for _, id := range l.Keys {
			ids = append(ids, id[:8])
		}
		fmt.Fprintf(w, "  %s has %d of %d signatures that %s asks for; may sign: %s\n", l.Role, l.Have, l.Need, l.By, strings.Join(ids, ", "))
	}
}

type rotateFlags struct {
	dir, passphraseFile string
	add, replace        []string
	keep                bool
	threshold           int
}

func (t *tool) keysRotateCommand() *cobra.Command {
	var f rotateFlags
	cmd := &cobra.Command{
		Use:   "rotate ROLE... --dir DIR",
		Short: "Give roles new keys, more keys, or another threshold",
		Long: `Replace the keys of each ROLE that are in DIR/keys by a new one, made here. With
--add, name keys that were made elsewhere instead, beside those there are. The
word online stands for snapshot, timestamp and every rollout role: what to do
after a server was broken into. Whatever the former keys had signed is signed
anew, and clients follow without noticing.`,
		Example: `  vcm keys rotate timestamp --dir ~/releases
  vcm keys rotate root --dir ~/releases --add bob/root-1a2b3c4d.pub --threshold 2
  vcm keys rotate notes-releases --dir ~/releases --keep
  vcm keys rotate online --dir ~/releases`,
		Args: cobra.MinimumNArgs(1),
		RunE: does(func(cmd *cobra.Command, args []string) error { return t.keysRotate(cmd.Context(), args, f) }),
	}
	dirFlag(cmd, &f.dir, "folder with the feed")
	flags := cmd.Flags()
	flags.StringArrayVar(&f.add, "add", nil, "file with the public half of a key made elsewhere (repeatable)")
	flags.StringArrayVar(&f.replace, "replace", nil, "id of a key to replace, or all (repeatable; default: those in DIR/keys)")
	flags.BoolVar(&f.keep, "keep", false, "replace none: the new key is one more")
	flags.IntVar(&f.threshold, "threshold", 0, "how many of the role's keys must sign (default: as it is)")
	passphraseFlag(cmd, &f.passphraseFile)
	cmd.MarkFlagsMutuallyExclusive("keep", "replace")
	return cmd
}

func (t *tool) keysRotate(ctx context.Context, args []string, f rotateFlags) error {
	w, err := t.workshop(f.dir, f.passphraseFile)
	if err != nil {
		return err
	}
	changes, made, err := w.rotation(args, f)
	if err != nil {
		return err
	}
	return t.changed(w, made, w.Rekey(ctx, changes, w.store.Signers))
}

// rotation turns the flags into changes of keys, and makes the keys that are new.
func (w *workshop) rotation(args []string, f rotateFlags) ([]repository.Rekey, []madeKey, error) {
	named, err := w.Authorities()
	if err != nil {
		return nil, nil, err
	}
	roles, err := expand(args, named)
	if err != nil {
		return nil, nil, err
	}
	added, err := readPublics(f.add, roles)
	if err != nil {
		return nil, nil, err
	}
	changes := make([]repository.Rekey, len(roles))
	for i, role := range roles {
		changes[i] = repository.Rekey{Role: role, Threshold: f.threshold, Add: added[role]}
		if changes[i].Remove, err = w.replaced(role, named[role], f); err != nil {
			return nil, nil, err
		}
	}
	if len(f.add) > 0 {
		return changes, nil, nil
	}
	// Making keys is the last step, so that wrong usage, or a wrong passphrase, leaves none behind.
	for _, role := range []string{"root", "targets"} {
		if _, err := w.store.Signers(role); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, nil, err
		}
	}
	var made []madeKey
	for i, role := range roles {
		p, err := w.store.Generate(role)
		if err != nil {
			return nil, made, err
		}
		changes[i].Add = append(changes[i].Add, p.Key)
		made = append(made, madeKey{Role: role, ID: p.ID})
	}
	return changes, made, nil
}

// expand turns the word online into roles, and refuses roles that the feed does not have.
func expand(args []string, named map[string][]string) ([]string, error) {
	var roles []string
	for _, arg := range args {
		if arg == "online" {
			for role := range named {
				if keys.IsOnline(role) {
					roles = append(roles, role)
				}
			}
			continue
		}
		if named[arg] == nil {
			return nil, usageError{fmt.Errorf("the feed has no role %q; vcm keys list shows them", arg)}
		}
		roles = append(roles, arg)
	}
	slices.Sort(roles)
	return slices.Compact(roles), nil
}

// replaced are the ids of the keys that a rotation takes away from a role that has these.
func (w *workshop) replaced(role string, ids []string, f rotateFlags) ([]string, error) {
	switch {
	case slices.Contains(f.replace, "all"):
		return ids, nil
	case len(f.replace) > 0:
		return f.replace, nil
	case f.keep || len(f.add) > 0:
		return nil, nil
	case len(ids) == 1 || keys.IsOnline(role):
		return ids, nil
	}
	files, err := w.store.Files()
	if err != nil {
		return nil, err
	}
	var here []string
	for _, file := range files {
		for _, id := range ids {
			if file.Role == role && file.ID != "" && strings.HasPrefix(id, file.ID) {
				here = append(here, id)
			}
		}
	}
	if len(here) == 0 {
		return nil, usageError{fmt.Errorf("none of the %d keys of %s is here; say with --replace which one the new key is for, or --keep all", len(ids), role)}
	}
	return here, nil
}

// readPublics reads files with public halves, by role.
func readPublics(files, roles []string) (map[string][]ed25519.PublicKey, error) {
	all := map[string][]ed25519.PublicKey{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		p, err := keys.DecodePublic(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if !slices.Contains(roles, p.Role) {
			return nil, usageError{fmt.Errorf("%s is a key for %s, not for %s", name, p.Role, strings.Join(roles, ", "))}
		}
		all[p.Role] = append(all[p.Role], p.Key)
	}
	return all, nil
}

func (t *tool) keysRevokeCommand() *cobra.Command {
	var dir, passphraseFile string
	var threshold int
	cmd := &cobra.Command{
		Use:   "revoke ROLE KEY... --dir DIR",
		Short: "Take keys away from a role",
		Long: `Take each KEY away from ROLE: what it signs counts no more. A KEY is an id, or its
first eight digits. Where it was the only one, use vcm keys rotate, which puts a
new one in its place.`,
		Example: `  vcm keys revoke root 1a2b3c4d --dir ~/releases
  vcm keys revoke notes-releases 1a2b3c4d 5e6f7a8b --dir ~/releases --threshold 1`,
		Args: cobra.MinimumNArgs(2),
		RunE: does(func(cmd *cobra.Command, args []string) error {
			w, err := t.workshop(dir, passphraseFile)
			if err != nil {
				return err
			}
			change := repository.Rekey{Role: args[0], Remove: args[1:], Threshold: threshold}
			return t.changed(w, nil, w.Rekey(cmd.Context(), []repository.Rekey{change}, w.store.Signers))
		}),
	}
	dirFlag(cmd, &dir, "folder with the feed")
	cmd.Flags().IntVar(&threshold, "threshold", 0, "how many of the role's keys must sign (default: as it is)")
	passphraseFlag(cmd, &passphraseFile)
	return cmd
}

func (t *tool) keysRenewCommand() *cobra.Command {
	var dir, passphraseFile string
	cmd := &cobra.Command{
		Use:   "renew --dir DIR",
		Short: "Sign again what would expire",
		Long: `Sign each role again of which half the time has passed and whose keys here are
enough. vcm serve does so by itself for the online roles; a feed on a static host
needs this once a day, and the offline roles some day within the year.`,
		Example: `  vcm keys renew --dir ~/releases
  vcm keys renew --dir ~/releases --json`,
		Args: cobra.NoArgs,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			w, err := t.workshop(dir, passphraseFile)
			if err != nil {
				return err
			}
			renewed, err := w.Renew(cmd.Context(), w.store.Signers)
			if err != nil {
				return err
			}
			if err := keepTrust(w.Repository, w.log); err != nil {
				return err
			}
			if renewed == nil {
				renewed = []string{}
			}
			return t.print(struct {
				Renewed []string `json:"renewed"`
			}{renewed}, func(out io.Writer) {
				if len(renewed) == 0 {
					fmt.Fprintln(out, "Nothing is due, or the keys for it are elsewhere: see vcm keys list.")
				}
				for _, role := range renewed {
					fmt.Fprintf(out, "Renewed the signature of %s\n", role)
				}
			})
		}),
	}
	dirFlag(cmd, &dir, "folder with the feed")
	passphraseFlag(cmd, &passphraseFile)
	return cmd
}

func (t *tool) keysAddAppCommand() *cobra.Command {
	var dir, passphraseFile string
	cmd := &cobra.Command{
		Use:     "add-app NAME --dir DIR",
		Short:   "Make the feed carry one more app",
		Long:    "Make keys for the releases and rollouts of one more app, and have the feed trust them.",
		Example: "  vcm keys add-app maps --dir ~/releases",
		Args:    cobra.ExactArgs(1),
		RunE: does(func(cmd *cobra.Command, args []string) error {
			app := args[0]
			if err := release.CheckApp(app); err != nil {
				return usageError{err}
			}
			w, err := t.workshop(dir, passphraseFile)
			if err != nil {
				return err
			}
			apps, err := w.Apps()
			if err != nil {
				return err
			}
			if slices.Contains(apps, app) {
				return fmt.Errorf("the feed carries %s already", app)
			}
			made, err := w.missing([]string{release.Role(app), release.RolloutRole(app)})
			if err != nil {
				return err
			}
			return t.changed(w, made, w.AddApp(cmd.Context(), app, w.store.Signers))
		}),
	}
	dirFlag(cmd, &dir, "folder with the feed")
	passphraseFlag(cmd, &passphraseFile)
	return cmd
}

func (t *tool) keysUpgradeCommand() *cobra.Command {
	var dir, passphraseFile string
	cmd := &cobra.Command{
		Use:   "upgrade --dir DIR",
		Short: "Give a feed of an older version rollouts and version floors",
		Long: `Give every app of a feed that was made before there were rollouts and version
floors what these need. Clients go on as before.`,
		Example: "  vcm keys upgrade --dir ~/releases",
		Args:    cobra.NoArgs,
		RunE: does(func(cmd *cobra.Command, _ []string) error {
			w, err := t.workshop(dir, passphraseFile)
			if err != nil {
				return err
			}
			made, err := w.upgrade(cmd.Context())
			return t.changed(w, made, err)
		}),
	}
	dirFlag(cmd, &dir, "folder with the feed")
	passphraseFlag(cmd, &passphraseFile)
	return cmd
}

func (w *workshop) upgrade(ctx context.Context) ([]madeKey, error) {
	apps, err := w.Outdated()
	if err != nil {
		return nil, err
	}
	var roles []string
	for _, app := range apps {
		roles = append(roles, release.RolloutRole(app))
	}
	made, err := w.missing(roles)
	if err != nil {
		return made, err
	}
	_, err = w.Upgrade(ctx, w.store.Signers)
	return made, err
}

// missing makes keys for those of the roles that have none here.
func (w *workshop) missing(roles []string) ([]madeKey, error) {
	var made []madeKey
	for _, role := range roles {
		if _, err := w.store.Signers(role); !errors.Is(err, os.ErrNotExist) {
			if err != nil {
				return made, err
			}
			continue
		}
		p, err := w.store.Generate(role)
		if err != nil {
			return made, err
		}
		made = append(made, madeKey{Role: role, ID: p.ID})
	}
	return made, nil
}
