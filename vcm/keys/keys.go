// Package keys holds the ed25519 keys that sign a feed, each in a file of its own.
//
// Parties. A publisher has all of them. A server that only keeps a feed fresh
// has the online ones. Whoever steals an online key can withhold news for as
// long as the other roles' expiry lasts; whoever steals an offline key can sign
// releases, so these are in a folder of their own, to be kept elsewhere:
//
//	offline/root.key offline/targets.key offline/<app>-releases.key
//	online/snapshot.key online/timestamp.key
//
// Trust. Offline keys are encrypted with a passphrase where one is given (age,
// scrypt). Online keys are not: a passphrase that an unattended server can read
// protects nothing. On Unix, a key that others may read is refused.
//
// Guarantees. A key file is complete or absent, its mode is 0600, and an
// existing one is never replaced. Neither keys nor passphrases appear in errors.
package keys

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"sync"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

var (
	// ErrPassphrase means that a key is encrypted and the passphrase for it is
	// missing or wrong.
	ErrPassphrase = errors.New("passphrase is missing or wrong")
	// ErrExists means that there is a key for the role already.
	ErrExists = errors.New("key exists already")
)

const (
	offline = "offline"
	online  = "online"
	maxFile = 64 << 10
	// maxWork bounds what a key file may make this computer spend on a passphrase.
	maxWork = 22
)

var roleName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// onlineRoles can be renewed by an unattended server; all others are offline.
var onlineRoles = []string{"snapshot", "timestamp"}

// Options configures a Store.
type Options struct {
	Dir        string // holds offline/ and online/; made by Generate
	Passphrase string // for offline keys; empty: not encrypted
	WorkFactor int    // scrypt's log2(N) for new keys; 0: age's default of 18
}

// Store is a folder of keys. It is safe for concurrent use.
type Store struct {
	opts Options

	mu     sync.Mutex
	loaded map[string]ed25519.PrivateKey // decrypting takes about a second
}

// New makes a Store. It does not touch the disk.
func New(o Options) (*Store, error) {
	if o.Dir == "" {
		return nil, errors.New("keys: Dir is missing")
	}
	if o.WorkFactor < 0 || o.WorkFactor > maxWork {
		return nil, fmt.Errorf("keys: work factor %d must be 0 to %d", o.WorkFactor, maxWork)
	}
	return &Store{opts: o, loaded: map[string]ed25519.PrivateKey{}}, nil
}

// document is what a key file holds, as JSON, encrypted or not.
type document struct {
	Role   string `json:"role"`
	Type   string `json:"type"`
	Public string `json:"public"` // hex
	Seed   string `json:"seed"`   // base64
}

func file(role string) (string, error) {
	if !roleName.MatchString(role) {
		return "", fmt.Errorf("role %q cannot have a key file", role)
	}
	if slices.Contains(onlineRoles, role) {
		return path.Join(online, role+".key"), nil
	}
	return path.Join(offline, role+".key"), nil
}

// Generate makes a key for each role. When any of them has one already it makes
// none and returns ErrExists.
func (s *Store) Generate(roles ...string) error {
	for _, sub := range []string{offline, online} {
		if err := os.MkdirAll(s.opts.Dir+"/"+sub, 0o700); err != nil {
			return fmt.Errorf("make key folder: %w", err)
		}
	}
	root, err := os.OpenRoot(s.opts.Dir)
	if err != nil {
		return fmt.Errorf("open key folder: %w", err)
	}
	defer root.Close()
	for _, role := range roles {
		name, err := file(role)
		if err != nil {
			return err
		}
		if _, err := root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", name, ErrExists)
		}
	}
	for _, role := range roles {
		if err := s.generate(root, role); err != nil {
			return fmt.Errorf("make key for %s: %w", role, err)
		}
	}
	return nil
}

func (s *Store) generate(root *os.Root, role string) error {
	name, err := file(role)
	if err != nil {
		return err
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	data, err := json.Marshal(document{
		Role: role, Type: "ed25519", Public: hex.EncodeToString(public),
		Seed: base64.StdEncoding.EncodeToString(private.Seed()),
	})
	if err != nil {
		return err
	}
	if s.opts.Passphrase != "" && path.Dir(name) == offline {
		if data, err = s.encrypt(data); err != nil {
			return err
		}
	}
	return durable.WriteFile(root, name, data, 0o600)
}

// Signer returns the key of a role; once read, it stays in memory. Its error is fs.ErrNotExist when this store
// has none, and ErrPassphrase when it cannot be decrypted.
func (s *Store) Signer(role string) (crypto.Signer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key, ok := s.loaded[role]; ok {
		return key, nil
	}
	key, err := s.load(role)
	if err != nil {
		return nil, fmt.Errorf("key for %s: %w", role, err)
	}
	s.loaded[role] = key
	return key, nil
}

func (s *Store) load(role string) (ed25519.PrivateKey, error) {
	name, err := file(role)
	if err != nil {
		return nil, err
	}
	data, err := s.read(name)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, []byte(armor.Header)) {
		if data, err = s.decrypt(data); err != nil {
			return nil, err
		}
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s is not a key file", name)
	}
	seed, err := base64.StdEncoding.DecodeString(doc.Seed)
	if err != nil || len(seed) != ed25519.SeedSize || doc.Type != "ed25519" {
		return nil, fmt.Errorf("%s does not hold an ed25519 key", name)
	}
	key := ed25519.NewKeyFromSeed(seed)
	public, ok := key.Public().(ed25519.PublicKey)
	if doc.Role != role || !ok || hex.EncodeToString(public) != doc.Public {
		return nil, fmt.Errorf("%s holds another key than it says", name)
	}
	return key, nil
}

func (s *Store) read(name string) ([]byte, error) {
	root, err := os.OpenRoot(s.opts.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !private(info.Mode()) {
		return nil, fmt.Errorf("%s can be read by other users; chmod it to 600, and think of it as known to them", name)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is too long for a key file", name)
	}
	return data, err
}

func (s *Store) encrypt(data []byte) ([]byte, error) {
	to, err := age.NewScryptRecipient(s.opts.Passphrase)
	if err != nil {
		return nil, err
	}
	if s.opts.WorkFactor > 0 {
		to.SetWorkFactor(s.opts.WorkFactor)
	}
	var out bytes.Buffer
	text := armor.NewWriter(&out)
	w, err := age.Encrypt(text, to)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := errors.Join(w.Close(), text.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (s *Store) decrypt(data []byte) ([]byte, error) {
	if s.opts.Passphrase == "" {
		return nil, fmt.Errorf("%w: the key is encrypted", ErrPassphrase)
	}
	with, err := age.NewScryptIdentity(s.opts.Passphrase)
	if err != nil {
		return nil, err
	}
	with.SetMaxWorkFactor(maxWork)
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(data)), with)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPassphrase, err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return nil, fmt.Errorf("decrypt: %w", err)
	}
	return plain, nil
}
