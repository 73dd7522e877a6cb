package main

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// tiles reads the log's tiles over HTTP. Go's paths name the tiles' height, those of c2sp.org/tlog-tiles do not.
type tiles struct {
	server *server
	// A bit to change in the next tile that is read.
	damage *int
}

func (t *tiles) Height() int { return 8 }

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range wanted {
		path := "/ledger/" + strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		body, status := t.server.get(path)
		if status != 200 || len(body) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: status %d, %d bytes", path, status, len(body))
		}
		if t.damage != nil {
			body[*t.damage/8%len(body)] ^= 1 << (*t.damage % 8)
		}
		read = append(read, body)
	}
	return read, nil
}

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// entries are the records' headers, out of the entry bundles.
func (t *tiles) entries(size int64) [][]byte {
	var all [][]byte
	for index := int64(0); index*256 < size; index++ {
		width := size - index*256
		part := fmt.Sprintf(".p/%d", width)
		if width >= 256 {
			width, part = 256, ""
		}
		body, status := t.server.get(fmt.Sprintf("/ledger/tile/entries/%03d%s", index, part))
		must(status == 200, "entry bundle %d: status %d", index, status)
		for count := int64(0); count < width; count++ {
			must(len(body) >= 2, "entry bundle %d is cut off", index)
			length := int(binary.BigEndian.Uint16(body))
			must(len(body) >= 2+length, "entry bundle %d is cut off", index)
			all = append(all, body[2:2+length])
			body = body[2+length:]
		}
		must(len(body) == 0, "entry bundle %d is longer", index)
	}
	return all
}

func checkEntries(log *tiles, checkpoint head) {
	entries := log.entries(checkpoint.N)
	reader := tlog.TileHashReader(checkpoint.Tree, log)
	var indexes []int64
	for at := range entries {
		indexes = append(indexes, tlog.StoredHashIndex(0, int64(at)))
	}
	// The reader authenticates every tile against the signed root.
	hashes, err := reader.ReadHashes(indexes)
	check(err)
	for at, entry := range entries {
		must(tlog.RecordHash(entry) == hashes[at], "entry %d is not leaf %d", at, at)
	}
	for _, bit := range []int{0, 7, 1000, 65535} {
		log.damage = &bit
		_, err := tlog.TileHashReader(checkpoint.Tree, log).ReadHashes(indexes)
		must(err != nil, "bit %d of the tiles was changed, and they are read", bit)
	}
	log.damage = nil
	other := checkpoint.Tree
	other.Hash[3] ^= 4
	_, err = tlog.TileHashReader(other, log).ReadHashes(indexes[:1])
	must(err != nil, "the tiles fit another root")
}
