package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm/keys"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

type initResult struct {
	Dir       string `json:"dir"`
	App       string `json:"app"`
	TrustRoot string `json:"trust_root"`
	Feed      string `json:"feed"`
	Keys      string `json:"keys"`
	Encrypted bool   `json:"encrypted"`
	Replaced  string `json:"replaced,omitempty"` // where the former ones are
}

func (t *tool) initCommand() *cobra.Command {
	var app, passphraseFile string
	var force bool
	cmd := &cobra.Command{
		Use:   "init DIR --app NAME",
		Short: "Make keys, a trust root and an empty feed",
		Long: `Make keys, a trust root and an empty feed in DIR.

Build DIR/trust/root.json into the app. Serve DIR/feed, with vcm serve or any
static host. Keep DIR/keys/offline away from the server: whoever has it can
sign releases. With a passphrase these keys are encrypted.`,
		Example: `  vcm init ~/releases --app tesseract
  VCM_PASSPHRASE=... vcm init ~/releases --app tesseract --json`,
		Args: cobra.ExactArgs(1),
		RunE: does(func(_ *cobra.Command, args []string) error {
			if err := release.CheckApp(app); err != nil {
				return usageError{err}
			}
			return t.init(args[0], app, passphraseFile, force)
		}),
	}
	cmd.Flags().StringVar(&app, "app", "", "name of the app, in lower case (required)")
	cmd.Flags().BoolVar(&force, "force", false, "start anew; what is there is set aside, not deleted")
	passphraseFlag(cmd, &passphraseFile)
	_ = cmd.MarkFlagRequired("app") // fails only for a flag that does not exist
	return cmd
}

func (t *tool) init(dir, app, passphraseFile string, force bool) error {
	store, err := t.keyStore(dir, passphraseFile)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	res := initResult{
		Dir: dir, App: app, TrustRoot: filepath.Join(dir, trustRoot),
		Feed: filepath.Join(dir, feedDir), Keys: filepath.Join(dir, keysDir),
	}
	present, err := existing(root)
	if err != nil {
		return err
	}
	if len(present) > 0 {
		if !force {
			return fmt.Errorf("%s has %s already; --force sets it aside and starts anew, and apps that trust it will not follow", dir, present[0])
		}
		if res.Replaced, err = setAside(root, present); err != nil {
			return err
		}
	}
	for _, role := range []string{"root", "targets", "snapshot", "timestamp", release.Role(app), release.RolloutRole(app)} {
		if _, err := store.Generate(role); err != nil {
			return err
		}
	}
	if res.Encrypted, err = encrypted(dir); err != nil {
		return err
	}
	repo, err := repository.Create(repository.Options{Dir: dir, Log: t.log(slog.LevelWarn)}, app, store.Signers)
	if err != nil {
		return err
	}
	trusted, err := repo.Root()
	if err != nil {
		return err
	}
	if err := root.MkdirAll(trustDir, 0o755); err != nil {
		return err
	}
	if err := durable.WriteFile(root, trustRoot, trusted, 0o644); err != nil {
		return err
	}
	return t.print(res, func(w io.Writer) {
		fmt.Fprintf(w, "Made a feed for %s in %s\n", app, dir)
		fmt.Fprintf(w, "  trust root  %s  (build it into the app)\n", res.TrustRoot)
		fmt.Fprintf(w, "  feed        %s  (serve it)\n", res.Feed)
		fmt.Fprintf(w, "  keys        %s  (keep offline/ away from the server)\n", res.Keys)
		if !res.Encrypted {
			fmt.Fprintf(w, "The offline keys are not encrypted. Set %s to have them encrypted.\n", passphraseVariable)
		}
		if res.Replaced != "" {
			fmt.Fprintf(w, "What was there is in %s\n", filepath.Join(dir, res.Replaced))
		}
	})
}

// existing names what of a feed is in the folder, also of one half made.
func existing(root *os.Root) ([]string, error) {
	var present []string
	for _, name := range []string{trustDir, keysDir, feedDir} {
		_, err := root.Lstat(name)
		if err == nil {
			present = append(present, name)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return present, nil
}

// setAside moves names into a folder of their own: keys are never deleted.
func setAside(root *os.Root, names []string) (string, error) {
	aside := "replaced-" + time.Now().UTC().Format("20060102T150405.000000000Z")
	if err := root.Mkdir(aside, 0o700); err != nil {
		return "", err
	}
	for _, name := range names {
		if err := durable.Rename(root, name, aside+"/"+name); err != nil {
			return "", err
		}
	}
	return aside, nil
}

// encrypted tells whether the root key needs a passphrase.
func encrypted(dir string) (bool, error) {
	open, err := keys.New(keys.Options{Dir: filepath.Join(dir, keysDir)})
	if err != nil {
		return false, err
	}
	_, err = open.Signers("root")
	if errors.Is(err, keys.ErrPassphrase) {
		return true, nil
	}
	return false, err
}
