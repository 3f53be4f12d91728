"""Drawing of pictures as figures: inline SVG with caption and legend."""

from __future__ import annotations

from ernsnn.report.charts import bars, histogram, line, matrix, scatter
from ernsnn.report.markup import Html
from ernsnn.report.raster import raster
from ernsnn.studies.pictures import Bars, Histogram, Line, Matrix, Picture, Raster, Scatter


def draw(picture: Picture) -> Html:
    """The figure of a picture. Its texts are escaped."""
    match picture:
        case Line():
            return line(picture)
        case Bars():
            return bars(picture)
        case Scatter():
            return scatter(picture)
        case Histogram():
            return histogram(picture)
        case Matrix():
            return matrix(picture)
        case Raster():
            return raster(picture)
