package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm/keys"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

// The parts of the folder that commands share.
const (
	trustDir  = "trust"
	trustRoot = "trust/root.json"
	keysDir   = "keys"
	feedDir   = "feed"
)

const passphraseVariable = "VCM_PASSPHRASE"

// workFactor is what guessing the passphrase of a new key costs; 0 is age's default, and only tests take less.
var workFactor int

func passphraseFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "passphrase-file", "", "file with the passphrase of the offline keys (default: the variable "+passphraseVariable+")")
}

// keyStore opens the folder's keys. Without a passphrase, new offline keys are
// not encrypted.
func (t *tool) keyStore(dir, passphraseFile string) (*keys.Store, error) {
	passphrase := t.getenv(passphraseVariable)
	if passphraseFile != "" {
		data, err := os.ReadFile(passphraseFile)
		if err != nil {
			return nil, fmt.Errorf("passphrase: %w", err)
		}
		line, _, _ := bytes.Cut(data, []byte("\n"))
		if passphrase = strings.TrimSuffix(string(line), "\r"); passphrase == "" {
			return nil, fmt.Errorf("passphrase: the first line of %s is empty", passphraseFile)
		}
	}
	return keys.New(keys.Options{Dir: filepath.Join(dir, keysDir), Passphrase: passphrase, WorkFactor: workFactor})
}

// openRepository takes the feed in the folder and says what to do where there
// is none.
func openRepository(dir string, log *slog.Logger) (*repository.Repository, error) {
	repo, err := repository.Open(repository.Options{Dir: dir, Log: log})
	if errors.Is(err, repository.ErrMissing) {
		return nil, fmt.Errorf("%s holds no feed; make one with: vcm init %s --app NAME", dir, dir)
	}
	return repo, err
}

// chooseApp is the app named by the flag, or the only one that the feed carries.
func chooseApp(repo *repository.Repository, flag string) (string, error) {
	if flag != "" {
		return flag, release.CheckApp(flag)
	}
	apps, err := repo.Apps()
	if err != nil {
		return "", err
	}
	if len(apps) != 1 {
		return "", usageError{fmt.Errorf("the feed carries %d apps; choose one with --app: %s", len(apps), strings.Join(apps, ", "))}
	}
	return apps[0], nil
}
