package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

type signFlags struct {
	dir, passphraseFile string
	yes                 bool
}

func (t *tool) keysSignCommand() *cobra.Command {
	var f signFlags
	cmd := &cobra.Command{
		Use:   "sign [FILE...] --dir DIR",
		Short: "Sign changes that wait for signatures, and publish those that have them all",
		Long: `Show in words what each change would do, ask, and sign it with the keys in
DIR/keys.

Where DIR holds no feed, the signatures go into FILE: carry it back to the
machine with the feed. Keep a trusted root.json in DIR/trust and a change for
any other feed is refused.

Where DIR holds the feed, FILE is merged with what waits in DIR/pending, signed
with the keys there, and published as soon as no signature is missing. Until then
FILE has the new signatures, too. Without FILE, everything in DIR/pending is
signed.`,
		Example: `  vcm keys sign root.json --dir ~/mine
  vcm keys sign root-from-bob.json --dir ~/releases --yes
  vcm keys sign --dir ~/releases`,
		Args: cobra.ArbitraryArgs,
		RunE: does(func(cmd *cobra.Command, args []string) error { return t.keysSign(cmd.Context(), args, f) }),
	}
	dirFlag(cmd, &f.dir, "folder with the keys, and maybe a feed")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	passphraseFlag(cmd, &f.passphraseFile)
	return cmd
}

// signed is what came of one change.
type signed struct {
	pendingResult
	Added     int  `json:"added"`     // signatures by keys here
	Published bool `json:"published"` // clients see it
}

func (t *tool) keysSign(ctx context.Context, files []string, f signFlags) error {
	repo, err := repository.Open(repository.Options{Dir: f.dir, Log: t.log(slog.LevelWarn)})
	home := err == nil
	if err != nil && !errors.Is(err, repository.ErrMissing) {
		return err
	}
	if len(files) == 0 {
		if !home {
			return usageError{fmt.Errorf("%s holds no feed; name the file with the change", f.dir)}
		}
		if files, err = filepath.Glob(filepath.Join(f.dir, "pending", "*.json")); err != nil {
			return err
		}
	}
	if t.json && !f.yes {
		return usageError{errors.New("with --json nobody can be asked; look at the change with vcm keys list, then say --yes")}
	}
	all := []signed{}
	for _, file := range files {
		p, err := readPending(file)
		if err != nil {
			return err
		}
		if err := t.ask(p, f, home); err != nil {
			return err
		}
		sign := t.signAway
		if home {
			sign = func(_ context.Context, file string, p *repository.Pending, f signFlags) (signed, error) {
				return t.signHome(ctx, repo, file, p, f)
			}
		}
		one, err := sign(ctx, file, p, f)
		if err != nil {
			return err
		}
		all = append(all, one)
	}
	return t.print(struct {
		Changes []signed `json:"changes"`
	}{all}, func(w io.Writer) { printSigned(w, all) })
}

func printSigned(w io.Writer, all []signed) {
	if len(all) == 0 {
		fmt.Fprintln(w, "Nothing waits for signatures.")
	}
	for _, one := range all {
		fmt.Fprintf(w, "Signatures added: %d\n", one.Added)
		if one.Published {
			fmt.Fprintln(w, "Published.")
			continue
		}
		fmt.Fprintf(w, "The change is in %s\n", one.File)
		if len(one.Lacks) == 0 {
			fmt.Fprintln(w, "  it has all signatures; vcm keys sign, where the feed is, publishes it")
		}
		printLacks(w, one.Lacks)
	}
}

// ask shows what is to be signed and asks whether it may be.
func (t *tool) ask(p *repository.Pending, f signFlags, home bool) error {
	if !t.json {
		for _, line := range p.Words() {
			fmt.Fprintln(t.out, line)
		}
	}
	if !home {
		if err := t.sameFeed(p, f.dir); err != nil {
			return err
		}
	}
	if f.yes {
		return nil
	}
	if t.in == nil {
		return usageError{errors.New("nobody is there to be asked; read the words above, then say --yes")}
	}
	fmt.Fprint(t.err, "Sign this? [y/N] ")
	answer, err := bufio.NewReader(t.in).ReadString('\n')
	if err != nil && err != io.EOF {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("not signed")
	}
	return nil
}

// sameFeed refuses a change for another feed than the one that the folder trusts. A folder without a feed and without a
// trusted root has only its owner's eyes.
func (t *tool) sameFeed(p *repository.Pending, dir string) error {
	trusted, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(trustRoot)))
	if errors.Is(err, os.ErrNotExist) {
		if !t.json {
			fmt.Fprintf(t.out, "No trusted root is in %s; the feed began with root %s\n", filepath.Join(dir, trustDir), p.FirstRoot())
		}
		return nil
	}
	if err != nil {
		return err
	}
	return p.TrustedBy(trusted)
}

// signAway signs on a machine that has keys and no feed: the signatures go into the file.
func (t *tool) signAway(_ context.Context, file string, p *repository.Pending, f signFlags) (signed, error) {
	store, err := t.keyStore(f.dir, f.passphraseFile)
	if err != nil {
		return signed{}, err
	}
	added, err := p.Sign(store.Signers)
	if err != nil {
		return signed{}, err
	}
	res := signed{pendingResult: pendingShown(file, p), Added: added}
	if added == 0 && len(res.Lacks) > 0 {
		return res, fmt.Errorf("no key in %s is asked for, or they have signed already", filepath.Join(f.dir, keysDir))
	}
	return res, writePending(file, p)
}

func writePending(file string, p *repository.Pending) error {
	data, err := p.Encode()
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return err
	}
	defer root.Close()
	return durable.WriteFile(root, filepath.Base(file), data, 0o644)
}

// signHome signs where the feed is, and publishes what lacks nothing any more.
func (t *tool) signHome(ctx context.Context, repo *repository.Repository, file string, p *repository.Pending, f signFlags) (signed, error) {
	store, err := t.keyStore(f.dir, f.passphraseFile)
	if err != nil {
		return signed{}, err
	}
	res := signed{pendingResult: pendingShown(file, p)}
	if res.Added, err = p.Sign(store.Signers); err != nil {
		return res, err
	}
	_, err = repo.Merge(ctx, p, store.Signers)
	var waits *repository.PendingError
	if errors.As(err, &waits) {
		// The file goes on to other people, and the feed's own copy waits for them.
		res.Lacks = waits.Lacks
		return res, writePending(file, p)
	}
	if err != nil {
		return res, err
	}
	res.Lacks, res.Published = []repository.Lack{}, true
	return res, keepTrust(repo, t.log(slog.LevelWarn))
}

func readPending(file string) (*repository.Pending, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, repository.MaxPending+1))
	if err != nil {
		return nil, err
	}
	p, err := repository.DecodePending(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}
