package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

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
