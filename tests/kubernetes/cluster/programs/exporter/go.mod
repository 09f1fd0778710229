module exporter

go 1.24
