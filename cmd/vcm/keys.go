package main

import (
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
	"github.com/tesseract-desktop/tesseract/vcm/keys"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

// publicDir is where public halves of keys lie, ready to be carried away.
const publicDir = "keys/public"

func (t *tool) keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make, list, replace and revoke keys, and sign changes with them",
		Long: `Make, list, replace and revoke the keys that sign a feed, and sign changes.

Each role has one or more keys, of which so many must sign as its threshold
says. Offline roles (root, targets, <app>-releases) sign on machines that people
hold; online roles (snapshot, timestamp, <app>-rollout) sign on the server. A
change that needs keys of several machines waits in DIR/pending until vcm keys
sign was run on enough of them. docs/keys.md walks through all of it.`,
		Example: `  vcm keys init ~/mine --role root
  vcm keys list --dir ~/releases
  vcm keys rotate root --dir ~/releases --add bob/root-1a2b3c4d.pub --threshold 2
  vcm keys sign pending/root.json --dir ~/mine
  vcm keys rotate online --dir ~/releases`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(t.keysInitCommand(), t.keysListCommand(), t.keysRotateCommand(), t.keysRevokeCommand(),
		t.keysSignCommand(), t.keysRenewCommand(), t.keysAddAppCommand(), t.keysUpgradeCommand())
	return cmd
}

func dirFlag(cmd *cobra.Command, dir *string, usage string) {
	cmd.Flags().StringVar(dir, "dir", "", usage+" (required)")
	_ = cmd.MarkFlagRequired("dir") // fails only for a flag that does not exist
}

type madeKey struct {
	Role string `json:"role"`
	ID   string `json:"id"`
	File string `json:"file,omitempty"` // of the public half
}

func (t *tool) keysInitCommand() *cobra.Command {
	var roles []string
	var passphraseFile string
	cmd := &cobra.Command{
		Use:   "init DIR --role ROLE",
		Short: "Make keys on this machine",
		Long: `Make one key for each ROLE in DIR/keys, on any machine. DIR need not hold a feed.
The public halves are written to DIR/keys/public: carry them to the machine with
the feed and name them there with vcm keys rotate --add. Read the key's id out
to whoever does that; the file could be changed on its way, the id not.`,
		Example: `  vcm keys init ~/mine --role root
  VCM_PASSPHRASE=... vcm keys init /media/stick --role root --role notes-releases --json`,
		Args: cobra.ExactArgs(1),
		RunE: does(func(_ *cobra.Command, args []string) error { return t.keysInit(args[0], roles, passphraseFile) }),
	}
	cmd.Flags().StringArrayVar(&roles, "role", nil, "role to make a key for, e.g. root or notes-releases (required, repeatable)")
	passphraseFlag(cmd, &passphraseFile)
	_ = cmd.MarkFlagRequired("role")
	return cmd
}

func (t *tool) keysInit(dir string, roles []string, passphraseFile string) error {
	for _, role := range roles {
		if !knownRole(role) {
			return usageError{fmt.Errorf("role %q: use root, targets, snapshot, timestamp, <app>-releases or <app>-rollout", role)}
		}
	}
	store, err := t.keyStore(dir, passphraseFile)
	if err != nil {
		return err
	}
	made, err := makeKeys(store, dir, roles)
	if err != nil {
		return err
	}
	return t.print(struct {
		Keys []madeKey `json:"keys"`
	}{made}, func(w io.Writer) {
		for _, key := range made {
			fmt.Fprintf(w, "Made a key for %s\n  id      %s\n  public  %s\n", key.Role, key.ID, key.File)
		}
	})
}

func knownRole(role string) bool {
	if slices.Contains([]string{"root", "targets", "snapshot", "timestamp"}, role) {
		return true
	}
	app, ok := strings.CutSuffix(role, "-releases")
	if !ok {
		app, ok = strings.CutSuffix(role, "-rollout")
	}
	return ok && app != ""
}

// makeKeys makes a key for each role and writes its public half.
func makeKeys(store *keys.Store, dir string, roles []string) ([]madeKey, error) {
	var made []madeKey
	for _, role := range roles {
		p, err := store.Generate(role)
		if err != nil {
			return made, err
		}
		file, err := writePublic(dir, p)
		if err != nil {
			return made, err
		}
		made = append(made, madeKey{p.Role, p.ID, file})
	}
	return made, nil
}

func writePublic(dir string, p keys.Public) (string, error) {
	text, err := p.Encode()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(dir, filepath.FromSlash(publicDir))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", err
	}
	defer root.Close()
	return filepath.Join(folder, p.File()), durable.WriteFile(root, p.File(), text, 0o644)
}

type keysListResult struct {
	Roles   []roleKeys      `json:"roles"`
	Pending []pendingResult `json:"pending"`
	Unused  []string        `json:"unused"` // key files here that the feed does not name
	Advice  []string        `json:"advice"`
}

type roleKeys struct {
	repository.Role
	Here []string `json:"here"` // ids of those whose files are here
}

func (t *tool) keysListCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "list --dir DIR",
		Short: "Show who signs for what, until when, and what waits for signatures",
		Long: `Show each role's keys and threshold, until when it is signed, which of its keys
are in DIR/keys, and the changes that wait for signatures. Key files are listed,
not opened, so that no passphrase is needed.`,
		Example: `  vcm keys list --dir ~/releases
  vcm keys list --dir ~/releases --json`,
		Args: cobra.NoArgs,
		RunE: does(func(*cobra.Command, []string) error { return t.keysList(dir) }),
	}
	dirFlag(cmd, &dir, "folder with a feed, or with keys alone")
	return cmd
}

func (t *tool) keysList(dir string) error {
	store, err := keys.New(keys.Options{Dir: filepath.Join(dir, keysDir)})
	if err != nil {
		return err
	}
	files, err := store.Files()
	if err != nil {
		return err
	}
	res := keysListResult{Roles: []roleKeys{}, Pending: []pendingResult{}, Unused: []string{}, Advice: []string{}}
	repo, err := repository.Open(repository.Options{Dir: dir})
	if err != nil && (!errors.Is(err, repository.ErrMissing) || len(files) == 0) {
		return fmt.Errorf("%s holds neither a feed nor keys: %w", dir, err)
	}
	if err == nil {
		if err := res.fill(repo, files); err != nil {
			return err
		}
	} else {
		for _, f := range files {
			res.Unused = append(res.Unused, f.Name)
		}
	}
	return t.print(res, res.text)
}

func (res *keysListResult) fill(repo *repository.Repository, files []keys.File) error {
	roles, err := repo.Status()
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, role := range roles {
		r := roleKeys{Role: role, Here: []string{}}
		for name, id := range keysHere(role, files) {
			r.Here = append(r.Here, id)
			used[name] = true
		}
		slices.Sort(r.Here)
		res.Roles = append(res.Roles, r)
		if role.Due {
			res.Advice = append(res.Advice, fmt.Sprintf("sign %s again before %s: vcm keys renew", role.Name, role.Expires.Format(time.DateOnly)))
		}
	}
	for _, f := range files {
		if !used[f.Name] {
			res.Unused = append(res.Unused, f.Name)
		}
	}
	waiting, err := repo.Pending()
	if err != nil {
		return err
	}
	for _, p := range waiting {
		res.Pending = append(res.Pending, pendingShown(filepath.Join(repo.Dir(), "pending", p.Roles()[0]+".json"), p))
	}
	apps, err := repo.Outdated()
	if err == nil && len(apps) > 0 {
		res.Advice = append(res.Advice, "the feed was made before there were rollouts: vcm keys upgrade")
	}
	return err
}

// keysHere finds the files of a role's keys, by their names: name to id. A file of the old kind does not tell its id; it
// is taken for the role's only key where no other file is that.
func keysHere(role repository.Role, files []keys.File) map[string]string {
	here := map[string]string{}
	for _, f := range files {
		for _, id := range role.Keys {
			if f.Role == role.Name && f.ID != "" && strings.HasPrefix(id, f.ID) {
				here[f.Name] = id
			}
		}
	}
	for _, f := range files {
		if f.Role == role.Name && f.ID == "" && len(here) == 0 && len(role.Keys) == 1 {
			here[f.Name] = role.Keys[0]
		}
	}
	return here
}

func (res *keysListResult) text(w io.Writer) {
	for _, r := range res.Roles {
		fmt.Fprintf(w, "%s %d, until %s, %d of %d keys:\n", r.Name, r.Version, r.Expires.Format(time.DateOnly), r.Threshold, len(r.Keys))
		for _, id := range r.Keys {
			where := "elsewhere"
			if slices.Contains(r.Here, id) {
				where = "here"
			}
			fmt.Fprintf(w, "  %s  %s\n", id, where)
		}
	}
	for _, p := range res.Pending {
		fmt.Fprintf(w, "waiting: %s\n", p.File)
		printLacks(w, p.Lacks)
	}
	for _, name := range res.Unused {
		fmt.Fprintf(w, "unused: %s\n", name)
	}
	for _, line := range res.Advice {
		fmt.Fprintf(w, "advice: %s\n", line)
	}
}

// keepTrust brings DIR/trust/root.json, which new apps build in, up to date. A folder without it, on a server, does
// without.
func keepTrust(repo *repository.Repository, log *slog.Logger) error {
	root, err := os.OpenRoot(repo.Dir())
	if err != nil {
		return err
	}
	defer root.Close()
	before, err := root.ReadFile(trustRoot)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	newest, err := repo.NewestRoot()
	if err != nil || string(before) == string(newest) {
		return err
	}
	log.Info("the trust root changed; build the new one into new versions of the app", "file", trustRoot)
	return durable.WriteFile(root, trustRoot, newest, 0o644)
}
