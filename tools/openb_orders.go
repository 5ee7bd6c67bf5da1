// Writes the orders of arrival of the FGD paper's artefact as a stream for drapolicy evaluate fgd; see docs/originals.md.
package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"os"
	"sort"
	"strconv"
)

const ratio = 1.3

type order struct {
	Arrivals  []int `json:"arrivals"`
	NodeRank  []int `json:"node_rank"`
	Requested int   `json:"requested_gpu_milli"`
}

// rows returns the lines of a CSV file by the names of its columns, sorted by one of them.
func rows(path, key string) []map[string]string {
	file, err := os.Open(path)
	check(err)
	defer file.Close()
	reader := csv.NewReader(file)
	header, err := reader.Read()
	check(err)
	var found []map[string]string
	for {
		line, err := reader.Read()
		if err == io.EOF {
			break
		}
		check(err)
		row := map[string]string{}
		for at, name := range header {
			row[name] = line[at]
		}
		found = append(found, row)
	}
	sort.Slice(found, func(a, b int) bool { return found[a][key] < found[b][key] })
	return found
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "openb_orders:", err)
		os.Exit(2)
	}
}

func main() {
	if len(os.Args) < 4 {
		check(fmt.Errorf("usage: openb_orders PODS.csv NODES.csv SEED..."))
	}
	pods, nodes := rows(os.Args[1], "name"), rows(os.Args[2], "sn")
	podNames, nodeNames := []string{}, []string{}
	milli, gpus := make([]int, len(pods)), make([]int, len(pods))
	for at, pod := range pods {
		podNames = append(podNames, pod["name"])
		milli[at], gpus[at] = number(pod["gpu_milli"]), number(pod["num_gpu"])
	}
	total := 0
	for _, node := range nodes {
		nodeNames = append(nodeNames, node["sn"])
		total += 1000 * number(node["gpu"])
	}
	orders := map[string]order{}
	for _, text := range os.Args[3:] {
		random := rand.New(rand.NewSource(int64(number(text))))
		random.Int()
		arrivals, requested := make([]int, len(pods)), 0
		for at := range arrivals {
			arrivals[at] = at
			requested += milli[at] * gpus[at]
		}
		random.Shuffle(len(arrivals), func(a, b int) { arrivals[a], arrivals[b] = arrivals[b], arrivals[a] })
		for {
			next := random.Intn(len(pods))
			if float64(requested+milli[next]) > ratio*float64(total) {
				break
			}
			arrivals = append(arrivals, next)
			requested += milli[next] * gpus[next]
		}
		for drawn := 0; drawn < 10; drawn++ {
			random.Float64()
		}
		orders[text] = order{arrivals, random.Perm(len(nodes)), requested}
	}
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"nodes_sorted": nodeNames, "pods_sorted": podNames, "ratio": ratio, "total_gpu_milli": total, "seeds": orders,
	}))
}
