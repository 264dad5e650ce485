from tests.integration.bad_days.conftest import Scene


async def test_probe(scene: Scene) -> None:
    async with scene.bench.trading() as session:
        await scene.goes_on(session)
        await scene.goes_on(session)
    print("\n".join(scene.bench.log.lines))
