"""Pages of runs and experiments: one self-contained HTML file each, and the charts on them."""

from ernsnn.report.run import into_folder, page, write_report

__all__ = ["into_folder", "page", "write_report"]
