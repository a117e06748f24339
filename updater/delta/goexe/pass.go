package goexe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/derived"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/pcln"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/remap"
)

// program is one file and what is known of it.
type program struct {
	image  *image.Image
	refs   *refs.Scanner
	funcs  *pcln.Table
	tables *derived.Tables
}

func open(data []byte) (*program, error) {
	m, err := image.Parse(data)
	if err != nil {
		return nil, err
	}
	p := &program{image: m, tables: derived.Read(m)}
	if p.funcs, err = pcln.Parse(m); err != nil {
		return nil, err
	}
	if p.refs, err = refs.New(m); err != nil {
		return nil, err
	}
	return p, nil
}

// plan is what a builder has found out and tells a patcher.
type plan struct {
	new   *program
	align []int32
	ops   []remap.Op
}

// pass codes a whole patch: with a plan it writes one, without it reads one. Both ways make the new file.
type pass struct {
	c       *entropy.Coder
	old     *program
	size    uint64 // of the new file
	plan    *plan  // nil in a patcher
	room    room
	lit     *literals
	account *ledger
}

func (p *pass) run(ctx context.Context, w io.Writer) error {
	plan := p.plan
	if plan == nil {
		plan = &plan0
	}
	start := p.account.start(p.c)
	next, err := codeImage(p.c, p.old.image, plan.new.image, p.size)
	if err != nil {
		return err
	}
	sides := derived.Sides{Old: p.old.image, New: next, OldSize: uint64(len(p.old.image.Data)), NewSize: p.size}
	tables, err := derived.CodeLayout(p.c, p.old.tables, plan.new.tables, sides)
	if err != nil {
		return err
	}
	spans, ok := tables.Spans(next, p.size)
	if !ok {
		return errSpans
	}
	p.lit.inline = p.c.Flag(new(entropy.Prob), p.lit.inline)
	p.account.add(p.c, start, "header", "")

	start = p.account.start(p.c)
	layout, err := pcln.CodeFunctions(p.c, p.old.funcs, &next.Go, plan.new.funcs, plan.align)
	if err != nil {
		return err
	}
	p.account.add(p.c, start, "functions", "")

	start = p.account.start(p.c)
	plain := plainOf(spans, p.size)
	funcs := newFunctions(p.old, next, layout)
	ops, err := codeOperations(p.c, plan.ops, p.old, plain, funcs, &p.room)
	if err != nil {
		return err
	}
	p.account.add(p.c, start, "operations", "")
	copies, err := remap.Copies(p.old.image.Sections, next.Sections, plain.spans, ops)
	if err != nil {
		return err
	}

	start = p.account.start(p.c)
	if err := tables.CodeLists(p.c, p.old.tables, copies, p.old.image.Base, next.Base); err != nil {
		return err
	}
	p.old.tables = nil // its lists are long, and nobody asks for them again
	p.account.add(p.c, start, "relocations", "")

	k := &walk{
		c:       p.c,
		old:     p.old.image.Data,
		scan:    p.old.refs,
		where:   remap.New(p.old.image, next.Sections, copies),
		bases:   refs.BasesOf(next),
		plain:   plain,
		funcs:   funcs,
		amd64:   next.Arch == image.AMD64,
		lit:     p.lit,
		models:  newWalkModels(),
		classes: classFinder{regions: p.old.refs.Regions()},
		places:  remap.NewPlaces(next.Sections),
		account: p.account,
	}
	if n := literalBytes(ops); p.lit.inline {
		if !fewLiterals(n, p.size) {
			return errManyLiterals
		}
		k.models.literal = newLiteralModel(n)
	}
	if plan.new.image != nil {
		k.want = plan.new.image.Data
	}
	pages := derived.NewPages(tables.Directories)
	if len(tables.Directories) > 0 {
		w = io.MultiWriter(w, pages)
	}
	k.out = newOutput(w, k.want)
	if k.spans, err = p.generators(k, spans, tables, pages, next, layout, copies, plan); err != nil {
		return err
	}
	runtime.GC() // what it took to get here would otherwise stand beside what the walk takes
	return k.run(ctx, ops)
}

// plan0 is what a patcher knows of the new file.
var plan0 = plan{new: &program{}}

var errManyLiterals = errors.New("it codes more literal bytes among its numbers than it may")

var errSpans = errors.New("its derived tables overlap or reach outside the file")

// generators returns what makes each span.
func (p *pass) generators(k *walk, spans []derived.Span, tables *derived.Tables, pages *derived.Pages, next *image.Image,
	layout *pcln.Layout, copies []remap.Copy, plan *plan) ([]generator, error) {

	funcs, err := pcln.NewGenerator(p.old.funcs, &next.Go, layout, copies, k.where, plan.new.funcs, p.room.take)
	if err != nil {
		return nil, err
	}
	if off, ok := next.Offset(next.Go.Text); ok {
		k.out.w = io.MultiWriter(k.out.w, funcs.Watch(off)) // where values change depends on the code
	}
	coded := func(what string, make func(*entropy.Coder, io.Writer) error) generator {
		return func(w io.Writer) error {
			start := p.account.start(p.c)
			defer func() { p.account.add(p.c, start, what, "") }()
			return make(p.c, w)
		}
	}
	made := func(size uint64, appendTo func([]byte) ([]byte, error)) generator {
		return func(w io.Writer) error {
			b, err := appendTo(make([]byte, 0, size))
			if err != nil {
				return err
			}
			if uint64(len(b)) != size {
				return fmt.Errorf("a derived table of %d bytes came out as %d", size, len(b))
			}
			_, err = w.Write(b)
			return err
		}
	}
	var l []generator
	for _, s := range spans {
		switch s.Kind {
		case derived.FindFunc:
			l = append(l, made(s.Size, func(b []byte) ([]byte, error) { return derived.AppendFindFunc(b, layout.Entries) }))
		case derived.Pctab:
			l = append(l, coded("pc tables", funcs.Pctab))
		case derived.Functab:
			l = append(l, coded("function records", funcs.Funcs))
		case derived.Reloc:
			l = append(l, made(s.Size, func(b []byte) ([]byte, error) { return tables.Relocs.Append(b), nil }))
		case derived.Rebase:
			l = append(l, made(s.Size, func(b []byte) ([]byte, error) { return tables.Rebases.Append(b), nil }))
		case derived.Slots:
			l = append(l, made(s.Size, func(b []byte) ([]byte, error) { return pages.Append(b, s.Index) }))
		default:
			panic(fmt.Sprintf("span of unknown kind %d", s.Kind))
		}
	}
	return l, nil
}
