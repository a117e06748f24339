package match

// operations says the same as pieces of a path through a new text of that size.
func operations(pieces []piece, size int) []Op {
	var ops []Op
	p := 0
	op := Op{}
	for i, c := range pieces {
		end := size
		if i+1 < len(pieces) {
			end = pieces[i+1].start
		}
		n := end - c.start
		if n == 0 {
			continue
		}
		if c.diagonal == brought {
			op.Copy += int64(n)
			continue
		}
		from := c.start + c.diagonal
		if from == p && op.Copy == 0 {
			op.Add += int64(n)
		} else {
			op.Seek = int64(from - p)
			ops = append(ops, op)
			op = Op{Add: int64(n)}
		}
		p = from + n
	}
	return append(ops, op)
}
