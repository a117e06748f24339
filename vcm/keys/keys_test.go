package keys_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tesseract-desktop/tesseract/vcm/keys"
)

var roles = []string{"root", "targets", "notes-releases", "snapshot", "timestamp"}

func store(t *testing.T, dir, passphrase string) *keys.Store {
	t.Helper()
	s, err := keys.New(keys.Options{Dir: dir, Passphrase: passphrase, WorkFactor: 10})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKeysSign(t *testing.T) {
	for name, passphrase := range map[string]string{"plain": "", "encrypted": "correct horse"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "keys")
			s := store(t, dir, passphrase)
			if err := s.Generate(roles...); err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, role := range roles {
				key, err := s.Signer(role)
				if err != nil {
					t.Fatal(err)
				}
				message := []byte(role)
				sig, err := key.Sign(nil, message, crypto.Hash(0))
				if err != nil {
					t.Fatal(err)
				}
				public := key.Public().(ed25519.PublicKey)
				if !ed25519.Verify(public, message, sig) || seen[string(public)] {
					t.Errorf("%s: key does not sign or is not its own", role)
				}
				seen[string(public)] = true
			}
		})
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	if err := store(t, dir, "correct horse").Generate(roles...); err != nil {
		t.Fatal(err)
	}
	for file, encrypted := range map[string]bool{
		"offline/root.key": true, "offline/targets.key": true, "offline/notes-releases.key": true,
		"online/snapshot.key": false, "online/timestamp.key": false,
	} {
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasPrefix(data, []byte("-----BEGIN AGE")) != encrypted {
			t.Errorf("%s: encrypted should be %v", file, encrypted)
		}
		if encrypted && bytes.Contains(data, []byte("seed")) {
			t.Errorf("%s shows its content", file)
		}
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", file, info.Mode())
		}
	}
}

func TestPassphrase(t *testing.T) {
	dir := t.TempDir()
	if err := store(t, dir, "correct horse").Generate("root", "timestamp"); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", "wrong staple"} {
		_, err := store(t, dir, wrong).Signer("root")
		if !errors.Is(err, keys.ErrPassphrase) {
			t.Errorf("with %q: %v", wrong, err)
		}
		if wrong != "" && strings.Contains(err.Error(), wrong) {
			t.Errorf("the error shows the passphrase: %v", err)
		}
		if _, err := store(t, dir, wrong).Signer("timestamp"); err != nil {
			t.Errorf("the online key needs no passphrase: %v", err)
		}
	}
}

func TestNeverReplaces(t *testing.T) {
	dir := t.TempDir()
	s := store(t, dir, "")
	if err := s.Generate("targets"); err != nil {
		t.Fatal(err)
	}
	if err := s.Generate("root", "targets"); !errors.Is(err, keys.ErrExists) {
		t.Fatalf("got %v", err)
	}
	if _, err := s.Signer("root"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a key was made all the same: %v", err)
	}
}

func TestRefusesFiles(t *testing.T) {
	dir := t.TempDir()
	s := store(t, dir, "")
	if err := s.Generate("root", "targets"); err != nil {
		t.Fatal(err)
	}
	root, targets := filepath.Join(dir, "offline/root.key"), filepath.Join(dir, "offline/targets.key")
	other, err := os.ReadFile(targets)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"empty": nil, "not JSON": []byte("{"), "another role's": other,
		"no seed":  []byte(`{"role":"root","type":"ed25519"}`),
		"endless":  bytes.Repeat([]byte(" "), 1<<20),
		"half age": []byte("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl"),
	} {
		if err := os.WriteFile(root, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := store(t, dir, "").Signer("root"); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := s.Signer("../x"); err == nil {
		t.Error("a role that is a path was accepted")
	}
	if runtime.GOOS == "windows" {
		return
	}
	if err := os.Chmod(targets, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := store(t, dir, "").Signer("targets"); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("a key that the group can read: %v", err)
	}
}
